//! Decides where the work of a Puppet agent goes: no I/O, no clock, no runtime.
