//! Cases that others published, as tables of our own: what they give, what we give for the same, and
//! why where that differs.

mod aws;
mod envoy;
mod grpc;
