//! Clients that take their time, come in crowds, or stay when the server wants to go.

use std::time::Duration;

use dcs_backup_exporter::web::Bounds;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::Instant;

use crate::fleet::{self, full, project, snapshot};
use crate::server::{Client, Server, eventually};

const SHORT: Duration = Duration::from_millis(300);
/// Much more than any kernel buffers for a client that does not read.
const LARGE: u64 = 4_000;

fn small() -> std::sync::Arc<dcs_backup_exporter::snapshot::Snapshot> {
    snapshot(vec![project("prod", vec![full("a", "a")])])
}

/// A connection that takes as little into the kernel's buffer as it can.
async fn narrow(server: &Server) -> Client {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    Client(socket.connect(server.addr).await.unwrap())
}

#[tokio::test]
async fn a_head_that_comes_drop_by_drop_is_cut_off() {
    let server = Server::start(small(), Bounds { head: SHORT, ..Bounds::default() }).await;
    let begun = Instant::now();
    let mut client = server.connect().await;
    let mut sent = 0;
    while client.0.write_all(if sent == 0 { b"GET / HTTP/1.1\r\n" } else { b"X: y\r\n" }).await.is_ok() {
        sent += 1;
        assert!(begun.elapsed() < 30 * SHORT, "the connection lives on");
        tokio::time::sleep(SHORT / 10).await;
    }
    assert!(begun.elapsed() >= SHORT && sent > 3);
    // Whoever says nothing at all is no better, the first time.
    let begun = Instant::now();
    assert!(server.connect().await.rest().await.is_empty());
    assert!(begun.elapsed() >= SHORT);
}

#[tokio::test]
async fn an_idle_connection_is_kept_longer_than_a_head_may_take() {
    let server = Server::start(small(), Bounds { head: SHORT, idle: 10 * SHORT, ..Bounds::default() }).await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/-/healthy").await.status, 200);
    tokio::time::sleep(2 * SHORT).await;
    assert_eq!(client.ask("POST", "/metrics", "Content-Length: 3\r\n\r\nabc").await.status, 405);
    tokio::time::sleep(2 * SHORT).await;
    assert_eq!(client.get("/metrics").await.status, 200);
    let begun = Instant::now();
    assert!(client.rest().await.is_empty());
    assert!(begun.elapsed() >= 9 * SHORT, "{:?}", begun.elapsed());
    // A later head has its own deadline, from its first byte.
    let mut client = server.connect().await;
    client.get("/-/healthy").await;
    let begun = Instant::now();
    client.send("GET /").await;
    assert!(client.rest().await.is_empty());
    assert!(begun.elapsed() >= SHORT && begun.elapsed() < 9 * SHORT, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_connection_and_its_place() {
    let bounds = Bounds { scrapes: 1, stall: SHORT, ..Bounds::default() };
    let server = Server::start(fleet::large(LARGE), bounds).await;
    let mut silent = narrow(&server).await;
    silent.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut other = server.connect().await;
    eventually("the only place is taken", async || {
        let answer = server.connect().await.ask("HEAD", "/metrics", "").await;
        answer.status == 503 && answer.header("retry-after") == Some("1")
    })
    .await;
    assert_eq!(other.get("/-/healthy").await.status, 200, "health does not need a place");
    eventually("the place is free again", async || other.ask("HEAD", "/metrics", "").await.status == 200).await;
    let whole = other.ask("HEAD", "/metrics", "").await.header("content-length").unwrap().parse::<usize>().unwrap();
    let rest = silent.rest().await;
    assert!(rest.len() < whole / 2, "{} of {whole}", rest.len());
}

#[tokio::test]
async fn a_client_that_reads_a_little_now_and_then_is_cut_off_too() {
    let bounds = Bounds { stall: 10 * SHORT, answer: 3 * SHORT, ..Bounds::default() };
    let server = Server::start(fleet::large(LARGE), bounds).await;
    let mut slow = narrow(&server).await;
    slow.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut bytes = vec![0; 4096];
    let mut read = 0;
    let begun = Instant::now();
    while begun.elapsed() < 5 * SHORT {
        match slow.0.read(&mut bytes).await {
            Ok(length @ 1..) => read += length,
            _ => break,
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    read += slow.rest().await.len(); // what the kernel had taken
    let whole = server.connect().await.ask("HEAD", "/metrics", "").await.header("content-length").unwrap().to_owned();
    assert!(read > 4096 && read < whole.parse::<usize>().unwrap() / 2, "{read} of {whole}");
}

#[tokio::test]
async fn a_reader_that_is_only_slow_gets_everything() {
    let bounds = Bounds { stall: 20 * SHORT, ..Bounds::default() };
    let server = Server::start(fleet::large(LARGE / 4), bounds).await;
    let mut client = narrow(&server).await;
    client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
    tokio::time::sleep(SHORT).await;
    let answer = client.answer(false).await;
    assert!(answer.text().contains("process_start_time_seconds"));
}

#[tokio::test]
async fn beyond_the_bound_the_connection_that_has_waited_the_longest_makes_room() {
    let server = Server::start(small(), Bounds { connections: 2, ..Bounds::default() }).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    assert_eq!(first.get("/-/healthy").await.status, 200);
    assert_eq!(second.get("/-/healthy").await.status, 200);
    assert_eq!(first.get("/-/healthy").await.status, 200);
    let mut third = server.connect().await;
    assert_eq!(third.get("/-/healthy").await.status, 200);
    assert!(second.rest().await.is_empty(), "it has waited the longest");
    assert_eq!(first.get("/-/healthy").await.status, 200);
    assert_eq!(third.get("/-/healthy").await.status, 200);
}

#[tokio::test]
async fn who_is_being_answered_keeps_the_place_and_others_wait() {
    let server = Server::start(fleet::large(LARGE), Bounds { connections: 1, ..Bounds::default() }).await;
    let mut slow = narrow(&server).await;
    slow.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut byte = [0];
    slow.0.read_exact(&mut byte).await.unwrap();
    let mut other = server.connect().await; // by the kernel
    let waiting = tokio::time::timeout(SHORT, other.get("/-/healthy")).await;
    assert!(waiting.is_err(), "{waiting:?}");
    let mut answer = byte.to_vec();
    slow.0.read_to_end(&mut answer).await.unwrap();
    assert!(answer.ends_with(b"\n") && answer.len() > 1 << 20, "whole, and the connection ends after it");
    assert_eq!(other.answer(false).await.status, 200);
}

#[tokio::test]
async fn many_scrapes_at_once_are_all_answered() {
    let server = Server::start(fleet::large(50), Bounds::default()).await;
    let mut scrapes = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let url = server.url("/metrics");
        scrapes.spawn(async move { reqwest::get(url).await.unwrap().status().as_u16() });
    }
    assert_eq!(scrapes.join_all().await, vec![200; 40]);
}

#[tokio::test]
async fn at_shutdown_answers_are_finished_and_idle_connections_closed() {
    let bounds = Bounds { drain: 100 * SHORT, ..Bounds::default() };
    let server = Server::start(fleet::large(LARGE), bounds).await;
    let addr = server.addr;
    let mut idle = server.connect().await;
    idle.get("/-/healthy").await;
    let mut silent = server.connect().await; // has not said a word
    let mut running = narrow(&server).await;
    running.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
    running.0.read_u8().await.unwrap(); // its answer has begun
    let ended = server.stop();
    assert!(idle.rest().await.is_empty());
    assert!(silent.rest().await.is_empty());
    assert!(tokio::net::TcpStream::connect(addr).await.is_err(), "nobody new is let in");
    assert!(!ended.is_finished());
    let answer = running.rest().await;
    assert!(String::from_utf8_lossy(&answer).contains("process_start_time_seconds"), "{}", answer.len());
    ended.await.unwrap();
}

#[tokio::test]
async fn nobody_holds_up_a_shutdown() {
    let server = Server::start(fleet::large(LARGE), Bounds { drain: SHORT, ..Bounds::default() }).await;
    let mut silent = narrow(&server).await;
    silent.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
    silent.0.read_u8().await.unwrap();
    let mut half = server.connect().await;
    half.send("GET / HTT").await;
    let begun = Instant::now();
    server.stop().await.unwrap();
    assert!(begun.elapsed() >= SHORT && begun.elapsed() < 25 * SHORT, "{:?}", begun.elapsed());
    silent.rest().await;
    half.rest().await;
}
