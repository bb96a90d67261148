# PuppetDB's terminus, driven as a Puppet Server drives it: saves facts, stores a report, finds the facts again, and asks
# queries. Prints what each step brought as one JSON object.
#
# Usage: ruby terminus.rb --confdir DIR

require 'json'
require 'puppet'
require 'puppet/util/puppetdb'
require 'puppet/util/puppetdb/http'

Puppet.initialize_settings(ARGV)
Puppet.push_context(Puppet.base_context(Puppet.settings))
Puppet[:node_name_value] = Puppet[:certname]
Puppet::Util::Log.newdestination(:console)
Puppet::Util::Log.level = :info
Puppet::Node::Facts.indirection.terminus_class = :puppetdb

def get(path)
  Puppet::Util::Puppetdb::Http.action(path, :query) do |http, uri, ssl_context|
    http.get(uri, headers: { 'Accept' => 'application/json' }, options: { ssl_context: ssl_context })
  end
end

def refusal
  yield
  nil
rescue Puppet::Error => e
  "#{e.class}: #{e.message}"
end

facts = Puppet::Node::Facts.new('web.test', 'os' => { 'name' => 'Debian' }, 'role' => 'web')
environment = Puppet::Node::Environment.remote('production')
Puppet::Node::Facts.indirection.save(facts, nil, environment: environment)

report = Puppet::Transaction::Report.new(42, 'production')
report.instance_variable_set(:@host, 'web.test')
report.finalize_report
report.extend(Puppet::Reports.report(:puppetdb))
report.process

found = Puppet::Node::Facts.indirection.find('web.test')
puts JSON.generate(
  found: found && found.values,
  facts: JSON.parse(get('/pdb/query/v4/nodes/web.test/facts/role').body),
  nodes: Puppet::Util::Puppetdb.query_puppetdb('nodes[certname] {}'),
  nobody: refusal { get('/pdb/query/v4/nodes/nobody.test') },
  nonsense: get('/pdb/query/v4/nodes?query=nonsense').code,
)
