//! The watchdog's signs of life come from the loop itself.

use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use super::*;
use crate::service_manager::{Announcer, ServiceManager};

/// A future that can be kept from running, as a loop that hangs would be.
fn hanging_while<F: Future>(hangs: Arc<AtomicBool>, future: F) -> impl Future<Output = F::Output> {
    let mut future = Box::pin(future);
    std::future::poll_fn(move |context| {
        if hangs.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        future.as_mut().poll(context)
    })
}

/// What comes within this time. The kernel keeps few messages that nobody has read.
async fn received(socket: &UnixDatagram, time: Duration) -> String {
    let end = tokio::time::Instant::now() + time;
    let mut text = String::new();
    let mut buffer = [0; 1000];
    while tokio::time::Instant::now() < end {
        pass(Duration::from_secs(1)).await;
        while let Ok(length) = socket.recv(&mut buffer) {
            text += std::str::from_utf8(&buffer[..length]).unwrap();
        }
    }
    text
}

fn signs(text: &str) -> usize {
    text.lines().filter(|line| *line == "WATCHDOG=1").count()
}

#[tokio::test(start_paused = true)]
async fn an_idle_loop_gives_signs_of_life_and_one_that_hangs_gives_none() {
    let name = format!("dcs-backup-exporter-pulse-{}", std::process::id());
    let address =
        <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    socket.set_nonblocking(true).unwrap();
    let environment = [("NOTIFY_SOCKET", format!("@{name}")), ("WATCHDOG_USEC", "30000000".to_owned())];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    let manager = ServiceManager::of_environment(&environment, 1);

    let fake = fleet(3);
    let poller = fake.poller(&project(&[]), &Polling::default());
    let announcer = Announcer::new(manager, poller.subscribe(), None);
    let accompanied = tokio::spawn(announcer.clone().accompany(poller.pulse()));
    let hangs = Arc::new(AtomicBool::new(false));
    let polling = tokio::spawn(hanging_while(hangs.clone(), poller.run(std::future::pending())));

    announcer.ready();
    let first = received(&socket, MINUTE).await;
    assert!(
        first.starts_with("READY=1\nSTATUS=watching 0 instances in 1 project; 1 project not asked yet\n"),
        "{first}"
    );
    assert!(first.ends_with("WATCHDOG=1\n") && first.contains("STATUS=watching 3 instances in 1 project\n"), "{first}");

    // The night: nothing is due for a quarter of an hour.
    let idle = received(&socket, HOUR).await;
    assert_eq!(signs(&idle), 720, "every five seconds");
    assert!(!idle.contains("STATUS"), "told once: {idle}");

    hangs.store(true, Ordering::Relaxed);
    assert_eq!(received(&socket, HOUR).await, "");
    assert!(!accompanied.is_finished() && !polling.is_finished());

    // With the poller, all this ends.
    polling.abort();
    accompanied.await.unwrap();
}
