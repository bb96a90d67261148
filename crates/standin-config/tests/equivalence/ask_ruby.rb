# Asks the real Ruby code what it makes of the corpus beside this file, and prints its answers as JSON.
#
# puppet.conf goes through Puppet::Settings as `puppet agent` sets it up, puppetdb.conf through the configuration class of
# PuppetDB's terminus. One process asks for every file. Needs Debian's puppet-agent and puppet-terminus-puppetdb.
#
# Usage: ruby ask_ruby.rb puppet.conf|puppetdb.conf

require 'json'
require 'tempfile'

ENV['HOME'] = '/home/agent'
%w[http_proxy HTTP_PROXY no_proxy NO_PROXY].each { |name| ENV.delete(name) }
Dir.chdir('/')

require 'puppet'
require 'puppet/util/puppetdb'

CORPUS = File.join(__dir__, 'corpus')

# Its warnings are not part of the answer, but an error is how Puppet says that it goes on without the file.
Puppet::Util::Log.level = :err
ERRORS = []
Puppet::Util::Log.newdesttype(:errors) do
  match 'errors'
  def handle(message)
    ERRORS << message.message
  end
end
Puppet::Util::Log.newdestination('errors')

# The machine: what facts would say of it.
Puppet::Settings.define_singleton_method(:hostname_fact) { 'Agent1' }
Puppet::Settings.define_singleton_method(:domain_fact) { 'example.com' }

# Puppet's own directories; Debian's package has others.
DIRECTORIES = {
  'root' => {
    confdir: '/etc/puppetlabs/puppet', codedir: '/etc/puppetlabs/code', vardir: '/opt/puppetlabs/puppet/cache',
    publicdir: '/opt/puppetlabs/puppet/public', rundir: '/var/run/puppetlabs', logdir: '/var/log/puppetlabs/puppet',
  },
  'user' => {
    confdir: '~/.puppetlabs/etc/puppet', codedir: '~/.puppetlabs/etc/code', vardir: '~/.puppetlabs/opt/puppet/cache',
    publicdir: '~/.puppetlabs/opt/puppet/public', rundir: '~/.puppetlabs/var/run', logdir: '~/.puppetlabs/var/log',
  },
}.freeze

# What a comment in the first line says of how the file is read.
def directive(text, name)
  text[/\A##{name}: (.*)$/, 1]
end

def value(name)
  yield
rescue StandardError, SystemStackError => e
  raise Refused, "#{name}: #{e.class}"
end

Refused = Class.new(StandardError)

def plain(value)
  case value
  when Symbol then value.to_s
  when Array then value.map { |item| plain(item) }
  else value
  end
end

# A host and a port as resolvers make URLs of them.
def server(host, port)
  "#{host}:#{port}"
end

PLAIN = %i[
  certname environment use_srv_records
  confdir ssldir vardir statedir
  localcacert hostcert hostprivkey hostcrl passfile ssl_trust_store certificate_revocation
  http_connect_timeout http_read_timeout http_keepalive_timeout runinterval splaylimit runtimeout
  usecacheonfailure http_extra_headers
].freeze

def puppet_conf(text)
  ERRORS.clear
  settings = Puppet.settings
  settings.send(:clear_everything_for_tests)
  settings.preferred_run_mode = :agent
  settings.patch_value(:name, 'agent', :application_defaults)
  DIRECTORIES.fetch(directive(text, 'account') || 'root').each do |name, directory|
    settings.patch_value(name, File.expand_path(directory), :application_defaults)
  end
  environment = (directive(text, 'environment') || '').split.to_h { |pair| pair.split('=', 2) }
  environment.each { |name, setting| ENV[name] = setting }
  (directive(text, 'args') || '').split.each do |argument|
    name, setting = argument.split('=', 2)
    settings.handlearg(name, setting)
  end
  begin
    settings.parse_config(text, 'puppet.conf')
    settings.send(:call_hooks_deferred_to_application_initialization)
  rescue StandardError => e
    raise Refused, "#{e.class}"
  end
  raise Refused, 'could not be parsed' if ERRORS.any? { |message| message.include?('Could not parse') }

  values = PLAIN.to_h { |name| [name, value(name) { plain(settings[name]) }] }
  list = value(:server_list) { settings[:server_list] || [] }
  serverport = value(:serverport) { settings[:serverport] }
  values[:server_list] = list.map { |host, port| server(host, port || serverport) }
  { server: serverport, ca_server: :ca_port, report_server: :report_port }.each do |name, port|
    port = value(port) { settings[port] } if port.is_a?(Symbol)
    values[name] = value(name) { server(settings[name], port) }
  end
  # Which services do not follow the list: `build_resolvers` in http/client.rb.
  values[:ca_server_is_set] = settings.set_by_config?(:ca_server)
  values[:report_server_is_set] = settings.set_by_config?(:report_server)
  values[:srv_domain] = settings[:use_srv_records] ? value(:srv_domain) { settings[:srv_domain] } : nil
  values[:http_user_agent] = settings.set_by_config?(:http_user_agent) ? settings[:http_user_agent] : nil
  proxy = Puppet::HTTP::Proxy
  values[:proxy] = value(:http_proxy_host) do
    proxy.http_proxy_host &&
      [proxy.http_proxy_host, proxy.http_proxy_port, proxy.http_proxy_user, proxy.http_proxy_password]
  end
  # Whom the proxy is not for, by example.
  hosts = %w[localhost 127.0.0.1 a.example.com x.b.example.com b.example.com x.c.example.com d xd 10.0.0.1 y.example.org]
  values[:no_proxy] = hosts.product([8140, 8081]).map { |pair| server(*pair) }.select do |authority|
    proxy.no_proxy?(URI("https://#{authority}/"))
  end
  values
ensure
  environment&.each_key { |name| ENV.delete(name) }
end

def puppetdb_conf(text)
  file = Tempfile.new('puppetdb.conf')
  file.write(text)
  file.close
  config = begin
    Puppet::Util::Puppetdb::Config.load(file.path)
  rescue StandardError => e
    raise Refused, "#{e.class}"
  end
  urls = ->(list) { list.map { |url| server(url.host, url.port) } }
  {
    server_urls: urls.call(config.server_urls),
    submit_only_server_urls: urls.call(config.submit_only_server_urls),
    server_url_timeout: config.server_url_timeout,
    min_successful_submissions: config.min_successful_submissions,
    command_broadcast: config.command_broadcast,
    sticky_read_failover: config.sticky_read_failover,
    soft_write_failure: config.soft_write_failure,
    verify_client_certificate: config.verify_client_certificate,
    include_unchanged_resources: config.include_unchanged_resources?,
  }
ensure
  file&.unlink
end

kind = ARGV.fetch(0)
answers = Dir.children(File.join(CORPUS, kind)).sort.to_h do |name|
  text = File.read(File.join(CORPUS, kind, name), encoding: 'utf-8')
  answer = begin
    { values: (kind == 'puppet.conf' ? puppet_conf(text) : puppetdb_conf(text)).sort.to_h }
  rescue Refused => e
    { refused: e.message }
  end
  [name, answer]
end
# A line for each file, so that a difference is one line.
puts '{', answers.map { |name, answer| "#{name.to_json}: #{answer.to_json}" }.join(",\n"), '}'
