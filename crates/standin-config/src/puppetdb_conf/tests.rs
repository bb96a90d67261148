use super::*;
use proptest::prelude::*;
use standin_core::Role;

fn parse(text: &str) -> Result<PuppetDbConf, SettingsError> {
    PuppetDbConf::parse(text, Path::new("/c"))
}

fn read(settings: &str) -> PuppetDbConf {
    parse(&format!("[main]\n{settings}")).unwrap()
}

fn refused(settings: &str) -> SettingsError {
    parse(&format!("[main]\n{settings}")).unwrap_err()
}

/// Facts 5.2.
const IN_THE_WILD: &str = "\
[main]
server_urls = https://primary.example.com:8081,https://replica.example.com:8081
sticky_read_failover = true
command_broadcast = true
include_unchanged_resources = true
soft_write_failure = false
server_url_timeout = 30
min_successful_submissions = 1
submit_only_server_urls = https://hdp.example.com:9091
";

#[test]
fn a_file_in_the_wild_is_read() {
    let conf = parse(IN_THE_WILD).unwrap();
    assert_eq!(
        conf.servers.to_string(),
        "primary.example.com:8081,replica.example.com:8081"
    );
    assert_eq!(conf.servers.entries()[1].role, Role::Replica);
    assert_eq!(conf.submit_only[0].to_string(), "hdp.example.com:9091");
    assert_eq!(conf.first_queried, FirstQueried::LastGood);
    assert_eq!(conf.submission, Submission::Broadcast { least: 1 });
    assert_eq!(
        conf.origin("server_urls").unwrap().to_string(),
        "/c/puppetdb.conf:2"
    );
}

#[test]
fn without_settings_everything_is_the_default_of_the_terminus() {
    let conf = parse("").unwrap();
    assert_eq!(conf.servers.to_string(), "puppetdb:8081");
    assert!(conf.submit_only.is_empty());
    assert_eq!(conf.timeout, Some(Duration::from_secs(30)));
    assert_eq!(conf.first_queried, FirstQueried::FirstListed);
    assert_eq!(conf.submission, Submission::First);
    assert_eq!(conf.write_failure, WriteFailure::FailsTheRun);
    assert_eq!(conf.client_certificate, ClientCertificate::Shown);
    assert_eq!(
        conf.origin("server_urls"),
        Some(&Origin::Default("https://puppetdb:8081"))
    );
}

#[test]
fn a_blank_before_a_header_is_refused() {
    let error = parse(" [main]\n").unwrap_err();
    assert!(matches!(error.fault(), SettingsFault::Line { .. }));
    assert!(parse("[main ]\nserver_urls = https://a\n").is_ok());
}

#[test]
fn sharp_and_semicolon_begin_comments() {
    assert!(parse("# a\n  ; b\n\n[main]\n").is_ok());
}

#[test]
fn a_setting_outside_of_a_section_is_refused() {
    let error = parse("\nserver_urls = https://a:1\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "/c/puppetdb.conf:2: server_urls: a setting stands before the first section; \
         put [main] above it"
    );
}

#[test]
fn an_unparseable_line_is_refused() {
    for line in ["server_urls", "[main", "server-urls = a", "= a"] {
        assert!(
            matches!(refused(line).fault(), SettingsFault::Line { .. }),
            "{line}"
        );
    }
}

#[test]
fn only_main_is_read() {
    let text = "[sync]\nserver_urls = http://b\n[main]\nserver_urls = https://a:1\n";
    assert_eq!(parse(text).unwrap().servers.to_string(), "a:1");
}

#[test]
fn of_two_settings_the_later_counts() {
    let text = "server_urls = https://a:1\n[other]\n[main]\nserver_urls = https://b:1";
    assert_eq!(read(text).servers.to_string(), "b:1");
}

#[test]
fn retired_settings_are_remembered_and_not_heeded() {
    let conf = parse("port = 1\n[main]\nserver = a\n").unwrap();
    assert_eq!(conf.servers.to_string(), "puppetdb:8081");
    let lines: Vec<String> = conf.retired.iter().map(Origin::to_string).collect();
    assert_eq!(lines, ["/c/puppetdb.conf:1", "/c/puppetdb.conf:3"]);
}

#[test]
fn blanks_around_the_commas_do_not_count() {
    let conf = read("server_urls =  https://a:1 ,\thttps://b:2/ , ");
    assert_eq!(conf.servers.to_string(), "a:1,b:2");
}

#[test]
fn a_port_left_out_is_that_of_https() {
    assert_eq!(read("server_urls = https://a").servers.to_string(), "a:443");
}

#[test]
fn another_scheme_than_https_is_refused() {
    for url in [
        "http://a:8080",
        "a:8081",
        "wss://a:8081",
        "https:/a",
        "h\u{e9}",
    ] {
        let error = refused(&format!("server_urls = https://b:1,{url}"));
        assert!(
            matches!(error.fault(), SettingsFault::Scheme { .. }),
            "{url}"
        );
    }
}

#[test]
fn more_than_host_and_port_is_refused() {
    for url in [
        "https://a:1/pdb",
        "https://a:1/?b",
        "https://a:1#b",
        "https://a//",
    ] {
        let error = refused(&format!("server_urls = {url}"));
        assert!(matches!(error.fault(), SettingsFault::Path { .. }), "{url}");
    }
}

#[test]
fn a_user_is_refused() {
    let error = refused("server_urls = http://u:p@a:1");
    assert!(matches!(error.fault(), SettingsFault::User));
}

#[test]
fn an_empty_list_is_refused() {
    let error = refused("server_urls =");
    assert!(matches!(
        error.fault(),
        SettingsFault::Servers(InvalidServerList::Empty)
    ));
}

#[test]
fn a_server_that_is_none_is_refused_with_its_line() {
    for url in ["https://::1", "https://", "https://a:0", "https://a b"] {
        let error = refused(&format!("\nserver_urls = {url}"));
        assert!(
            matches!(error.fault(), SettingsFault::Server(_)),
            "{url}: {error}"
        );
        assert_eq!(error.line(), Some(3));
    }
}

#[test]
fn a_number_is_its_digits_at_the_beginning_and_what_is_cut_is_told() {
    for (written, seconds) in [
        ("2m", 2),
        ("1.5", 1),
        ("30 seconds", 30),
        ("+7x", 7),
        ("1_0", 10),
    ] {
        let conf = read(&format!("server_url_timeout = {written}"));
        assert_eq!(
            conf.timeout,
            Some(Duration::from_secs(seconds)),
            "{written}"
        );
        let [cut] = conf.cut_short.as_slice() else {
            panic!("{written}");
        };
        assert_eq!(
            (cut.setting, cut.written.as_str()),
            ("server_url_timeout", written)
        );
        assert_eq!(cut.origin.to_string(), "/c/puppetdb.conf:2");
    }
    assert!(read("server_url_timeout = 30").cut_short.is_empty());
}

#[test]
fn a_time_of_0_bounds_nothing() {
    assert_eq!(read("server_url_timeout = 0").timeout, None);
    let conf = read("server_url_timeout = abc");
    assert_eq!((conf.timeout, conf.cut_short[0].read), (None, 0));
}

#[test]
fn a_time_below_0_or_beyond_counting_is_refused() {
    for time in ["-1", "-", "99999999999"] {
        let error = refused(&format!("server_url_timeout = {time}"));
        assert!(
            matches!(error.fault(), SettingsFault::Number { .. }),
            "{time}"
        );
        assert_eq!(error.line(), Some(2));
    }
}

#[test]
fn a_switch_is_true_or_false() {
    assert_eq!(
        read("soft_write_failure = true").write_failure,
        WriteFailure::IsLogged
    );
    let off = read("verify_client_certificate = false");
    assert_eq!(off.client_certificate, ClientCertificate::NotShown);
    for word in ["yes", "True", "1", ""] {
        let error = refused(&format!("command_broadcast = {word}"));
        assert!(
            matches!(error.fault(), SettingsFault::Word { .. }),
            "{word}"
        );
    }
}

const PAIR: &str = "server_urls = https://a:1,https://b:1";

#[test]
fn as_many_submissions_may_be_wanted_as_there_are_servers() {
    let of =
        |least| format!("{PAIR}\ncommand_broadcast = true\nmin_successful_submissions = {least}");
    assert_eq!(read(&of(2)).submission, Submission::Broadcast { least: 2 });
    let error = refused(&of(3));
    assert!(matches!(
        error.fault(),
        SettingsFault::TooManySubmissions { .. }
    ));
    assert!(matches!(
        refused(&of(0)).fault(),
        SettingsFault::Number { .. }
    ));
}

#[test]
fn more_than_one_submission_needs_a_broadcast() {
    let error = refused(&format!("{PAIR}\nmin_successful_submissions = 2"));
    assert!(matches!(error.fault(), SettingsFault::NeedsBroadcast));
}

#[test]
fn counted_submissions_cannot_fail_softly() {
    let error = refused(&format!(
        "{PAIR}\nsoft_write_failure = true\ncommand_broadcast = true\nmin_successful_submissions = 2"
    ));
    assert!(matches!(error.fault(), SettingsFault::SoftAndCounted));
}

#[test]
fn a_server_cannot_be_in_both_lists() {
    let error = refused("server_urls = https://a:1\nsubmit_only_server_urls = https://A:1/");
    assert!(matches!(error.fault(), SettingsFault::Overlap { .. }));
    assert_eq!(error.line(), Some(3));
}

#[test]
fn a_repeated_server_is_refused() {
    for name in ["server_urls", "submit_only_server_urls"] {
        let error = refused(&format!("{name} = https://a:1,https://a:1/"));
        assert!(matches!(error.fault(), SettingsFault::Servers(_)), "{name}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "((\\[main\\]|server_urls = |https://|[\\[\\]=,:/#a-z\n ]|\\PC)){0,40}") {
        let _ = parse(&text);
        let _ = parse(&format!("[main]\nserver_urls = {text}"));
    }
}
