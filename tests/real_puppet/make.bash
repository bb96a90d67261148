# What `stack up` makes in its directory and what it takes from /etc/hosts again; `stack` reads this file.
# shellcheck shell=bash
# shellcheck disable=SC2154 # dir, hosts, address, port and database_port are of `stack`

# --- databases ---

pg_bin() { printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1; }

database_pid() { pid_in "$dir/$1/pg/data/postmaster.pid" "$dir/$1/pg/data"; }

start_database() {
    local home=$dir/$1/pg
    database_pid "$1" >/dev/null && return
    as postgres "$(pg_bin)/pg_ctl" -D "$home/data" -l "$home/log" -s -w -t 120 start >/dev/null || {
        tail -n 20 "$home/log" >&2
        die "PostgreSQL of $1 does not start; above is the end of $home/log"
    }
}

stop_database() {
    database_pid "$1" >/dev/null || return 0
    as postgres "$(pg_bin)/pg_ctl" -D "$dir/$1/pg/data" -s -w -t 60 -m fast stop
}

# One cluster a host: open source PuppetDBs do not sync, so what a host's PuppetDB was given is in this database and in no
# other, and whether something acknowledged was kept is a question to the union of both.
make_database() {
    local host=$1 home=$dir/$1/pg
    if [[ ! -e $home/made ]]; then
        stop_database "$host"
        rm -rf "$home"
        install -d -o postgres -g postgres -m 700 "$home"
        (umask 077 && head -c 18 /dev/urandom | base64 >"$home/password")
        chown postgres "$home/password"
        as postgres "$(pg_bin)/initdb" -D "$home/data" -E UTF8 --locale=C.UTF-8 --no-sync \
            --username=postgres --auth=scram-sha-256 --pwfile="$home/password" >/dev/null
        # No fsync: the tests kill servers, not the machine.
        cat >>"$home/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = ${database_port[$host]}
unix_socket_directories = ''
fsync = off
CONF
    fi
    start_database "$host"
    if [[ ! -e $home/made ]]; then
        PGPASSWORD=$(<"$home/password") "$(pg_bin)/psql" -qX -v ON_ERROR_STOP=1 -v password="$(<"$home/password")" \
            "host=127.0.0.1 port=${database_port[$host]} user=postgres dbname=postgres" <<'SQL'
CREATE ROLE puppetdb LOGIN PASSWORD :'password';
CREATE DATABASE puppetdb OWNER puppetdb;
\connect puppetdb
CREATE EXTENSION pg_trgm;
SQL
        touch "$home/made"
    fi
}

# --- certificates ---

# `puppetserver ca` as it is, but for one thing: since its release 1.9.2 (2021) it puts the certname into the alt names of every
# certificate. Those of before have no alt names at all, live for five years, and are the harder case.
ca_without_alt_names() {
    ruby -r puppetserver/ca/cli -e '
        Puppetserver::Ca::Action::Generate.prepend(Module.new { def process_alt_names(*) = "" })
        exit Puppetserver::Ca::Cli.run(ARGV)' -- "$@"
}

# The CA (a root and an intermediate), the master's certificate with the usual alt names, the replica's without any.
make_ca() {
    local ssl=$dir/master/ssl settings=$dir/master/puppetserver/conf/puppet.conf log=$dir/ca.log part
    [[ -e $dir/master/ca/made ]] && return
    rm -rf "$dir/master/ca" "$ssl" "$dir/replica/ssl" "$dir/agent"
    {
        puppetserver ca setup --config "$settings" --certname master.test
        ca_without_alt_names generate --config "$settings" --ca-client --force --certname replica.test
    } >"$log" 2>&1 || {
        cat "$log" >&2
        die "the CA cannot be made"
    }
    install -d "$dir/replica/ssl"/{certs,private_keys,public_keys}
    cp "$ssl/certs/ca.pem" "$dir/replica/ssl/certs/"
    cp "$ssl/crl.pem" "$dir/replica/ssl/"
    for part in certs private_keys public_keys; do
        mv "$ssl/$part/replica.test.pem" "$dir/replica/ssl/$part/"
    done
    chown -R puppet:puppet "$dir/master/ca" "$dir"/{master,replica}/ssl
    chmod 700 "$dir"/{master,replica}/ssl/private_keys
    touch "$dir/master/ca/made"
}

# --- settings ---

write_code() {
    local environment=$dir/code/environments/production
    mkdir -p "$environment/manifests" "$environment/modules/demo"/{files,manifests,lib/facter,facts.d}
    echo 'a file of the module demo' >"$environment/modules/demo/files/a.txt"
    echo 'demo_external=told by a pluginfact' >"$environment/modules/demo/facts.d/demo.txt"
    cat >"$environment/modules/demo/lib/facter/demo_plugin.rb" <<'RUBY'
Facter.add(:demo_plugin) { setcode { 'told by a plugin' } }
RUBY
    # The notify says which host compiled it ($servername would not: both have this machine's), the file in the catalog what it was compiled from.
    cat >"$environment/modules/demo/manifests/init.pp" <<'PUPPET'
class demo {
  notify { "compiled by ${settings::certname}": }
  file { '/tmp/standin-demo.txt':
    ensure  => file,
    content => "${facts['clientcert']} ${facts['os']['family']} ${facts['demo_plugin']}, ${facts['demo_external']}\n",
  }
  file { '/tmp/standin-demo-a.txt':
    ensure => file,
    source => 'puppet:///modules/demo/a.txt',
  }
}
PUPPET
    echo 'node default { include demo }' >"$environment/manifests/site.pp"
}

# logback.xml and access.xml of a server: everything to stdout, which is log/server.log, and requests to log/access.log.
write_logging() {
    local home=$1
    cat >"$home/logback.xml" <<'XML'
<configuration>
  <appender name="STDOUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5p [%t] [%c{2}] %m%n</pattern></encoder>
  </appender>
  <logger name="puppetlabs.trapperkeeper.services.status.status-debug-logging" level="off"/>
  <root level="info"><appender-ref ref="STDOUT"/></root>
</configuration>
XML
    cat >"$home/access.xml" <<XML
<configuration>
  <appender name="FILE" class="ch.qos.logback.core.FileAppender">
    <file>$home/log/access.log</file>
    <encoder><pattern>%h %l %u [%t] "%r" %s %b "%i{User-Agent}" %D</pattern></encoder>
  </appender>
  <appender-ref ref="FILE"/>
</configuration>
XML
}

server_urls='https://master.test:8081,https://replica.test:8081'

write_puppetserver() {
    local host=$1 home=$dir/$1/puppetserver
    mkdir -p "$home"/{conf,conf.d,services.d,log,var,run}
    cp /etc/puppet/puppetserver/conf.d/{auth,ca,metrics,web-routes}.conf "$home/conf.d/"
    cp /etc/puppet/puppetserver/services.d/bootstrap.cfg "$home/services.d/"
    cat >"$home/conf.d/puppetserver.conf" <<HOCON
jruby-puppet: {
    ruby-load-path: [/usr/lib/puppetserver/ruby/vendor_ruby]
    gem-home: /var/lib/puppetserver/jruby-gems
    gem-path: [\${jruby-puppet.gem-home}, /usr/lib/puppetserver/vendored-jruby-gems]
    server-conf-dir: "$home/conf"
    server-code-dir: "$dir/code"
    server-var-dir: "$home/var"
    server-run-dir: "$home/run"
    server-log-dir: "$home/log"
    max-active-instances: 1
}
# PE's figure for high availability. The default is two minutes, for each of the three commands of a run.
http-client: { connect-timeout-milliseconds: 5000 }
HOCON
    cat >"$home/conf.d/webserver.conf" <<HOCON
webserver: {
    access-log-config: "$home/access.xml"
    client-auth: want
    ssl-host: ${address[$host]}
    ssl-port: ${port[puppetserver]}
}
HOCON
    echo "global: { logging-config: \"$home/logback.xml\" }" >"$home/conf.d/global.conf"
    echo 'product: { check-for-updates: false }' >"$home/conf.d/product.conf"
    local ca=certificate-authority-service
    [[ $host == master ]] || ca=certificate-authority-disabled-service
    cat >"$home/services.d/ca.cfg" <<CFG
puppetlabs.services.ca.$ca/$ca
puppetlabs.trapperkeeper.services.watcher.filesystem-watch-service/filesystem-watch-service
CFG
    cat >"$home/conf/puppet.conf" <<INI
[main]
certname = $host.test
ssldir = $dir/$host/ssl
[server]
cadir = $dir/$host/ca
codedir = $dir/code
storeconfigs = true
storeconfigs_backend = puppetdb
reports = store,puppetdb
INI
    # The master's first for both, as an enabled replica has it.
    printf '[main]\nserver_urls = %s\n' "$server_urls" >"$home/conf/puppetdb.conf"
    printf -- '---\nserver:\n  facts:\n    terminus: puppetdb\n    cache: yaml\n' >"$home/conf/routes.yaml"
    echo agent.test >"$home/conf/autosign.conf"
    write_logging "$home"
    chown -R puppet:puppet "$home"
}

write_puppetdb() {
    local host=$1 home=$dir/$1/puppetdb ssl=$dir/$1/ssl
    mkdir -p "$home"/{conf.d,ssl,log,var}
    cp /etc/puppetdb/bootstrap.cfg "$home/"
    cp /etc/puppetdb/conf.d/auth.conf "$home/conf.d/"
    cp "$ssl/certs/ca.pem" "$home/ssl/ca.pem"
    cp "$ssl/certs/$host.test.pem" "$home/ssl/cert.pem"
    install -m 600 "$ssl/private_keys/$host.test.pem" "$home/ssl/key.pem"
    printf '%s.test\n' master replica agent >"$home/allowed"
    # With a list of certificates, as PE has it: without one PuppetDB serves a client that shows none.
    cat >"$home/conf.d/config.ini" <<INI
[global]
vardir = $home/var
logging-config = $home/logback.xml
[puppetdb]
certificate-allowlist = $home/allowed
disable-update-checking = true
INI
    cat >"$home/conf.d/jetty.ini" <<INI
[jetty]
ssl-host = ${address[$host]}
ssl-port = ${port[puppetdb]}
ssl-key = $home/ssl/key.pem
ssl-cert = $home/ssl/cert.pem
ssl-ca-cert = $home/ssl/ca.pem
client-auth = want
access-log-config = $home/access.xml
INI
    (umask 077 && cat >"$home/conf.d/database.ini") <<INI
[database]
subname = //127.0.0.1:${database_port[$host]}/puppetdb
username = puppetdb
password = $(<"$dir/$host/pg/password")
INI
    write_logging "$home"
    chown -R puppetdb:puppetdb "$home"
}

write_agent() {
    mkdir -p "$dir/agent"/{conf,var}
    cat >"$dir/agent/conf/puppet.conf" <<INI
[main]
certname = agent.test
ssldir = $dir/agent/ssl
vardir = $dir/agent/var
rundir = $dir/agent/var/run
logdir = $dir/agent/var/log

[agent]
server_list = master.test:8140,replica.test:8140
INI
    printf '[main]\nserver_urls = %s\n' "$server_urls" >"$dir/agent/conf/puppetdb.conf"
}

# agent.test's certificate by the ordinary way, a request that the CA signs, and its facts as an agent would send them, those of
# the module's plugins among them. Needs the master's Puppet Server.
enrol_agent() {
    local log=$dir/agent/enrol.log
    local options=(--confdir "$dir/agent/conf" --server master.test --color false)
    [[ -e $dir/agent/facts.json ]] && return
    # No kept connections: over TLS 1.3 Ruby waits half a minute before it uses one again.
    {
        puppet ssl bootstrap "${options[@]}" --waitforcert 0 --http_keepalive_timeout 0 &&
            puppet plugin download "${options[@]}" --http_keepalive_timeout 0 &&
            puppet facts find agent.test "${options[@]}" --terminus facter --render-as json >"$dir/agent/facts.new"
    } >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        die "agent.test cannot be enrolled; above is the end of $log"
    }
    mv "$dir/agent/facts.new" "$dir/agent/facts.json"
}

# --- names ---

# Both names in /etc/hosts: certificates are for names, and no name server knows these.
name_hosts() {
    local host known
    for host in "${hosts[@]}"; do
        known=$(getent -s files ahostsv4 "$host.test" | awk 'NR == 1 { print $1 }') || true
        case $known in
        "${address[$host]}") ;;
        '') echo "${address[$host]} $host.test # standin" >>/etc/hosts ;;
        *) die "/etc/hosts has $host.test at $known, it has to be at ${address[$host]}" ;;
        esac
    done
}

unname_hosts() {
    local kept
    # Written in place: a container's /etc/hosts is a mount, and cannot be renamed over.
    if kept=$(grep -v '\.test # standin$' /etc/hosts); then printf '%s\n' "$kept" >/etc/hosts; fi
}
