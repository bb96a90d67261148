#!/usr/bin/ruby
# frozen_string_literal: true

# Puppet's own agent as a client under test: its settings, its TLS, its sessions that choose from `server_list`, its HTTP
# client and the failover of its PuppetDB terminus, as Debian's puppet-agent and puppet-terminus-puppetdb have them.
# Speaks the protocol of standin_lab::protocol.

require 'json'
require 'socket'
require 'puppet'
require 'puppet/util/puppetdb'

# The lab's names are in no DNS. Only the look-up is replaced: the certificate is still checked against the name.
module LabNames
  class << self
    attr_accessor :addresses
  end

  # What Net::HTTP connects with; older ones use the other.
  def tcp(host, *rest, **options, &block)
    super(LabNames.addresses.fetch(host, host), *rest, **options, &block)
  end

  def open(host, *rest, **options, &block)
    super(LabNames.addresses.fetch(host, host), *rest, **options, &block)
  end
end
Socket.singleton_class.prepend(LabNames)
TCPSocket.singleton_class.prepend(LabNames)

# What is asked for and an agent does not do.
class Unable < StandardError; end

# One process of an agent.
class Agent
  def initialize(place)
    LabNames.addresses = place.fetch('addresses')
    Puppet.initialize_settings(
      ['--confdir', place.fetch('confdir'), '--ssldir', place.fetch('ssldir'), '--certname', place.fetch('certname')]
    )
    # Settings of [agent], as `puppet agent` reads them.
    Puppet.settings.preferred_run_mode = :agent
    @tls = Puppet::SSL::SSLProvider.new.load_context(certname: place.fetch('certname'))
    Puppet.push_context({ ssl_context: @tls }, 'the lab')
    @sessions = {}
  end

  def answer(request)
    path = request.fetch('path')
    response = path.start_with?('/pdb/') ? puppetdb(request) : puppet(request)
    { answered: { id: request.fetch('id'), status: response.code } }
  rescue Unable => e
    { unable: { id: request.fetch('id'), why: e.message } }
  rescue StandardError => e
    { failed: { id: request.fetch('id'), error: e.message } }
  end

  private

  # A run has one session, which keeps to the server that it chose.
  def session(run)
    return Puppet.runtime[:http].create_session if run.nil?

    @sessions[run] ||= Puppet.runtime[:http].create_session
  end

  def puppet(request)
    path = request.fetch('path')
    name, prefix =
      case path
      when %r{\A/puppet/v3/report/} then [:report, '/puppet/v3']
      when %r{\A/puppet/v3/file_} then [:fileserver, '/puppet/v3']
      when %r{\A/puppet/v3/} then [:puppet, '/puppet/v3']
      when %r{\A/puppet-ca/v1/} then [:ca, '/puppet-ca/v1']
      else raise Unable, "Puppet's agent does not ask for #{path}"
      end
    service = session(request['run']).route_to(name)
    bare, query = path.delete_prefix(prefix).split('?', 2)
    params = URI.decode_www_form(query || '').to_h
    headers = service.send(:add_puppet_headers, request.fetch('headers', {}))
    send_by(Puppet.runtime[:http], request, service.with_base_url(bare), headers, params)
  end

  def send_by(client, request, url, headers, params)
    body = request.fetch('body', '')
    case request.fetch('method')
    when 'GET' then client.get(url, headers: headers, params: params)
    when 'PUT' then client.put(url, body, headers: headers, params: params)
    when 'POST' then client.post(url, body, headers: headers, params: params)
    else raise Unable, "Puppet's agent sends no #{request.fetch('method')}"
    end
  end

  # Commands are compressed as the terminus does it; the paths of queries go through its list of servers.
  def puppetdb(request)
    kind = request.fetch('method') == 'GET' ? :query : :command
    Puppet::Util::Puppetdb::Http.action(request.fetch('path'), kind) do |client, path, tls|
      options = { ssl_context: tls }
      headers = { 'Accept' => 'application/json' }.merge(request.fetch('headers', {}))
      if kind == :query
        client.get(path, headers: headers, options: options)
      else
        client.post(path, request.fetch('body', ''), headers: headers, options: options.merge(compress: :gzip))
      end
    end
  end
end

def say(what)
  $stdout.puts(JSON.generate(what))
  $stdout.flush
end

Puppet::Util::Log.level = :err
Puppet::Util::Log.newdestination(:console) if ENV['STANDIN_LAB_VERBOSE']
agent = Agent.new(JSON.parse($stdin.gets).fetch('lab'))
say({ ready: { client: "puppet-agent #{Puppet.version}" } })
$stdin.each_line { |line| say(agent.answer(JSON.parse(line).fetch('request'))) }
