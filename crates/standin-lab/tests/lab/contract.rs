//! What users rely on without saying so.

use std::fmt::Debug;

use standin_lab::{
    Broker, Certificate, Controller, FaultGuard, Host, Journal, Lab, LabError, Store,
};

#[test]
fn handles_can_be_sent_shared_and_shown() {
    fn is_handle<T: Send + Sync + Debug + 'static>() {}
    is_handle::<Lab>();
    is_handle::<Host>();
    is_handle::<Journal>();
    is_handle::<Broker>();
    is_handle::<Controller>();
    is_handle::<Store>();
    is_handle::<FaultGuard>();
    is_handle::<LabError>();
}

#[tokio::test]
async fn a_private_key_is_not_shown() {
    let lab = Lab::builder().start().await.unwrap();
    let spec = standin_lab::CertSpec::new("x.test");
    let certificate: Certificate = lab.certificate(&spec).unwrap();
    assert!(!format!("{certificate:?} {lab:?}").contains("PRIVATE KEY"));
}
