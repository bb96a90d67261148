//! Reads the settings files of Puppet into plain values.
