//! The lab seen from outside: a plain hyper client over TLS, with the certificates that the lab made.

mod answer_faults;
mod answers;
mod broker;
mod broker_closing;
mod built_with;
mod captures;
mod conf_dir;
mod connection_faults;
mod contract;
mod control;
mod database;
mod formats;
mod handshake_faults;
mod journal;
mod pcp;
mod pki;
mod relay;
mod relay_pace;
mod roles;
mod scenario;
mod status;
mod support;
mod work_faults;
