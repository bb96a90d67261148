//! What nobody takes at once, and what is taken twice.

use std::time::Duration;

use http::Method;
use standin::spool::Delivery;
use standin::{Run, Service, Spooled};

use super::payload::report_command;
use super::{Agent, CERTNAME, Errand, serial, stored};

impl Agent {
    /// Sends a request of a run that nobody takes, and which is acknowledged all the same.
    pub(crate) async fn keep(&mut self, errand: Errand, run: &Run) {
        let serial = serial();
        let response = self.send(errand, &serial, Some(run)).await;
        let response = response.unwrap_or_else(|error| panic!("{errand:?}: {}", error.report()));
        let spooled = response.extensions().get::<Spooled>();
        println!("   {errand:?} spooled: {}", spooled.unwrap().error);
        match errand {
            Errand::Report => self.acknowledged_reports.push(serial),
            _ => self.acknowledged_commands.push(serial),
        }
    }

    /// Delivers what it or an agent before it kept.
    pub(crate) async fn deliver(&self) -> Delivery {
        self.client.deliver().await.unwrap()
    }

    /// Submits a report twice, byte for byte, and takes it down once.
    pub(crate) async fn report_twice(&mut self, to: Service) -> String {
        let serial = serial();
        for _ in 0..2 {
            let mut request = self.request(Errand::Report, &serial);
            if to == Service::PuppetDb {
                let path = format!(
                    "/pdb/cmd/v1?command=store_report&version=8&certname={CERTNAME}\
                     &producer-timestamp=2026-11-23T04:54:34.000Z"
                );
                *request.method_mut() = Method::POST;
                *request.uri_mut() = path.parse().unwrap();
                *request.body_mut() = report_command(&serial).to_string().into();
            }
            let response = self.client.request(request).await.unwrap();
            assert!(response.status().is_success(), "{}", response.status());
        }
        self.acknowledged_reports.push(serial.clone());
        serial
    }

    /// How often both PuppetDBs together have a report.
    pub(crate) async fn times_stored(&self, version: &str) -> usize {
        let mut times = 0;
        for witness in &self.witnesses {
            let reports = stored(witness, "/pdb/query/v4/reports").await;
            times += reports.matches(&format!("\"{version}\"")).count();
        }
        times
    }

    /// Waits until both PuppetDBs together have a report so many times.
    pub(crate) async fn until_stored(&self, version: &str, times: usize) {
        let stored = async {
            while self.times_stored(version).await < times {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        let stored = tokio::time::timeout(Duration::from_secs(60), stored).await;
        assert!(stored.is_ok(), "{version} is not stored {times} times");
    }
}
