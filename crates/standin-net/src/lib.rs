//! Reaches the servers of a Puppet installation: names, connections, TLS.
