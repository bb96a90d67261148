//! The one table of what we mean to read otherwise than Ruby, each with its reason.

/// A value, or a whole file, that is read otherwise.
pub(crate) struct Difference {
    /// The kind of file and its name in the corpus.
    pub(crate) file: &'static str,
    /// The setting, or `*` for the whole file.
    pub(crate) setting: &'static str,
    pub(crate) how: Differs,
    pub(crate) why: &'static str,
}

/// How it is read otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Differs {
    /// Both read it, to other values.
    Value,
    /// Ruby takes it.
    OnlyWeRefuse,
    /// Ruby refuses it, or goes on as if there were no file.
    OnlyRubyRefuses,
}

pub(crate) const BY_DESIGN: &[Difference] = &[
    only_we_refuse(
        "puppet.conf/certname_slash",
        "a name with a slash leaves the directory of certificates; Puppet finds that only when it opens the file",
    ),
    only_we_refuse(
        "puppet.conf/comments",
        "the rest of the line is part of the host, as Ruby has it too, and no host has blanks",
    ),
    only_we_refuse(
        "puppet.conf/empty_server",
        "there is no server without a name; Puppet finds that only when it connects",
    ),
    value(
        "puppet.conf/extra_headers_with_blanks",
        "http_extra_headers",
        "a blank before the colon makes a header that no server takes",
    ),
    value(
        "puppet.conf/extra_headers_with_colon",
        "http_extra_headers",
        "Puppet sends what stands between the first two colons alone",
    ),
    only_we_refuse(
        "puppet.conf/extra_headers_without_value",
        "Puppet would send a header without a value",
    ),
    only_we_refuse(
        "puppet.conf/list_with_bad_port",
        "it is found when the file is read, not when the list is walked",
    ),
    value(
        "puppet.conf/list_with_bracketed_ipv6",
        "server_list",
        "Puppet cuts an entry at its first colon",
    ),
    only_we_refuse(
        "puppet.conf/list_with_empty_entry",
        "Puppet tries a server without a name",
    ),
    value(
        "puppet.conf/list_with_idn",
        "server_list",
        "a name in its ASCII form, which DNS and certificates have",
    ),
    only_we_refuse(
        "puppet.conf/list_with_ipv6",
        "Puppet cuts an entry at its first colon, and where the port begins cannot be told",
    ),
    only_we_refuse(
        "puppet.conf/list_with_repeat",
        "a server that fails would be tried twice",
    ),
    value(
        "puppet.conf/list_with_upper_case_and_dot",
        "server_list",
        "hosts are kept in one form, so that one host is one host in every list",
    ),
    value(
        "puppet.conf/list_with_url",
        "server_list",
        "the scheme is known and no part of the host",
    ),
    only_we_refuse(
        "puppet.conf/path_empty",
        "Puppet takes the directory that it runs in",
    ),
    value(
        "puppet.conf/path_relative",
        "hostcrl",
        "the directory that the process runs in is not asked; opening the file comes to the same",
    ),
    only_we_refuse(
        "puppet.conf/port_hex",
        "a port is written in decimal digits; Ruby's Integer() knows other bases",
    ),
    only_we_refuse(
        "puppet.conf/port_octal",
        "Ruby reads 010 as 8, which nobody means",
    ),
    only_we_refuse(
        "puppet.conf/port_underscore",
        "a port is written in decimal digits; Ruby's Integer() knows underscores",
    ),
    only_we_refuse("puppet.conf/port_zero", "nobody can connect to port 0"),
    only_we_refuse(
        "puppet.conf/server_with_blank",
        "no host has blanks; Puppet finds that only when it connects",
    ),
    only_ruby_refuses(
        "puppet.conf/variable_in_braces",
        "Puppet takes the braces for those of {owner = x}, refuses the file and runs on its defaults",
    ),
    only_ruby_refuses(
        "puppet.conf/variable_in_braces_before_word",
        "Puppet takes the braces for those of {owner = x}, refuses the file and runs on its defaults",
    ),
    only_ruby_refuses(
        "puppet.conf/variable_of_unknown_setting",
        "not every setting of Puppet is known here, so any that the file sets may be named",
    ),
    only_ruby_refuses(
        "puppetdb.conf/crlf",
        "lines may end as on Windows, as they may in puppet.conf",
    ),
    only_we_refuse(
        "puppetdb.conf/fragment",
        "what follows the port is never sent",
    ),
    only_we_refuse(
        "puppetdb.conf/min_negative",
        "a command that nobody took would count as taken",
    ),
    only_we_refuse(
        "puppetdb.conf/min_word",
        "Ruby reads 0, and a command that nobody took would count as taken",
    ),
    only_we_refuse(
        "puppetdb.conf/min_zero",
        "a command that nobody took would count as taken",
    ),
    only_we_refuse(
        "puppetdb.conf/overlap_upper_case",
        "servers are compared by identity, not by spelling",
    ),
    only_we_refuse(
        "puppetdb.conf/port_too_big",
        "there is no such port; Ruby finds that only when it connects",
    ),
    only_we_refuse("puppetdb.conf/port_zero", "nobody can connect to port 0"),
    only_we_refuse("puppetdb.conf/query", "what follows the port is never sent"),
    only_we_refuse(
        "puppetdb.conf/repeat",
        "a command would be sent to one server twice",
    ),
    only_we_refuse(
        "puppetdb.conf/submit_only_repeat",
        "a command would be sent to one server twice",
    ),
    only_we_refuse(
        "puppetdb.conf/timeout_negative",
        "no time is below 0; Ruby finds that only when it asks",
    ),
    value(
        "puppetdb.conf/upper_case_host",
        "server_urls",
        "hosts are kept in one form, so that one host is one host in every list",
    ),
    only_we_refuse(
        "puppetdb.conf/user",
        "the password would be in the URL of every log and is sent to nobody",
    ),
];

const fn value(file: &'static str, setting: &'static str, why: &'static str) -> Difference {
    let how = Differs::Value;
    Difference {
        file,
        setting,
        how,
        why,
    }
}

const fn only_we_refuse(file: &'static str, why: &'static str) -> Difference {
    whole(file, Differs::OnlyWeRefuse, why)
}

const fn only_ruby_refuses(file: &'static str, why: &'static str) -> Difference {
    whole(file, Differs::OnlyRubyRefuses, why)
}

const fn whole(file: &'static str, how: Differs, why: &'static str) -> Difference {
    let setting = "*";
    Difference {
        file,
        setting,
        how,
        why,
    }
}
