//! The contract of the port, the suite that every journal passes.

use std::sync::Arc;

use ballast_testkit::conformance::journal::{BEHAVIOURS, Subject, run};

use super::room::Room;

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn the_contract_of_the_port() {
    for behaviour in BEHAVIOURS {
        let room = Room::new();
        let subject = Subject {
            journal: Arc::new(room.open().await),
            room: Some(Arc::new(room)),
        };
        println!("{behaviour}");
        run(behaviour, &subject).await;
    }
}
