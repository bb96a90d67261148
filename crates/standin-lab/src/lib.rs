//! A simulated Puppet installation whose servers fail on cue, over real TLS.
