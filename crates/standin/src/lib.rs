//! Puppet Enterprise high availability for agents: work goes to the master first, to the replica when it must.
