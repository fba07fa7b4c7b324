//! What must hold of a proxy on an edge, with a server that sends back what it gets.

use std::time::{Duration, Instant};

use drillyard_engine::stack::proxy::Proxy;
use drillyard_spec::fault::WireFault;
use libtest_mimic::{Failed, Trial};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::block_on;

type Done = Result<(), Failed>;

pub fn all() -> Vec<Trial> {
    macro_rules! trials {
        ($($name:ident),* $(,)?) => { vec![$(Trial::test(stringify!($name), || { $name(); Done::Ok(()) })),*] };
    }
    trials![
        bytes_pass_unchanged_both_ways_at_once,
        an_end_of_one_direction_is_passed_on,
        latency_delays_what_comes_back_in_order,
        bandwidth_bounds_what_passes,
        slices_and_limits_are_kept,
        open_connections_are_cut_and_new_ones_too,
        a_blackhole_swallows_and_a_stream_with_a_hole_is_cut,
        a_server_that_is_not_there_is_a_cut_connection,
    ]
}

/// A server that sends back what it gets; gives its port.
pub async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            socket.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                let (mut reader, mut writer) = socket.into_split();
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
            });
        }
    });
    port
}

pub async fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends bytes and waits for them to come back.
pub async fn round_trip(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<Duration> {
    let begun = Instant::now();
    stream.write_all(bytes).await?;
    let mut back = vec![0; bytes.len()];
    stream.read_exact(&mut back).await?;
    assert_eq!(back, bytes);
    Ok(begun.elapsed())
}

fn bytes_pass_unchanged_both_ways_at_once() {
    block_on(async {
        let proxy = Proxy::start(echo().await, false).unwrap();
        let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        let (mut reader, mut writer) = connect(proxy.port()).await.into_split();
        let copy = sent.clone();
        let sending = tokio::spawn(async move {
            writer.write_all(&copy).await.unwrap();
            writer.shutdown().await.unwrap();
        });
        let mut back = Vec::new();
        reader.read_to_end(&mut back).await.unwrap();
        sending.await.unwrap();
        assert!(back == sent, "{} of {} bytes", back.len(), sent.len());
    });
}

fn an_end_of_one_direction_is_passed_on() {
    block_on(async {
        let proxy = Proxy::start(echo().await, false).unwrap();
        let mut stream = connect(proxy.port()).await;
        stream.write_all(b"last words").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut back = String::new();
        stream.read_to_string(&mut back).await.unwrap();
        assert_eq!(back, "last words");
    });
}

fn latency_delays_what_comes_back_in_order() {
    block_on(async {
        let proxy = Proxy::start(echo().await, false).unwrap();
        let mut stream = connect(proxy.port()).await;
        round_trip(&mut stream, b"x").await.unwrap();
        let fault =
            WireFault::Latency { delay: Duration::from_millis(60), jitter: Duration::from_millis(20) };
        let (id, tally) = proxy.wire().add(fault);
        for n in 0_u8..5 {
            let took = round_trip(&mut stream, &[n; 100]).await.unwrap();
            assert!(took >= Duration::from_millis(40), "{took:?}");
        }
        assert_eq!((tally.hits(), tally.bytes()), (1, 500));
        proxy.wire().remove(id);
        round_trip(&mut stream, b"quick again").await.unwrap();
        assert_eq!(tally.bytes(), 500);
    });
}

fn bandwidth_bounds_what_passes() {
    block_on(async {
        let proxy = Proxy::start(echo().await, false).unwrap();
        let mut stream = connect(proxy.port()).await;
        let (_, tally) = proxy.wire().add(WireFault::Bandwidth { per_second: 100_000 });
        // There and back at 100,000 bytes a second, the one following close on the other.
        let took = round_trip(&mut stream, &[7; 20_000]).await.unwrap();
        assert!(took >= Duration::from_millis(200), "{took:?}");
        assert_eq!((tally.hits(), tally.bytes()), (1, 40_000));
    });
}

fn slices_and_limits_are_kept() {
    block_on(async {
        let proxy = Proxy::start(echo().await, false).unwrap();
        let mut stream = connect(proxy.port()).await;
        let (id, _) = proxy.wire().add(WireFault::Slice { bytes: 3 });
        stream.write_all(b"0123456789").await.unwrap();
        let mut first = [0; 10];
        let read = stream.read(&mut first).await.unwrap();
        assert!(read <= 9, "it came whole");
        stream.read_exact(&mut first[read..]).await.unwrap();
        assert_eq!(&first, b"0123456789");
        proxy.wire().remove(id);
        let (_, tally) = proxy.wire().add(WireFault::Limit { bytes: 4 });
        stream.write_all(b"0123456789").await.unwrap();
        let mut back = Vec::new();
        while let Ok(1..) = stream.read_buf(&mut back).await {}
        assert!(b"0123".starts_with(&back[..]), "{back:?}");
        assert_eq!(tally.hits(), 1);
    });
}

fn open_connections_are_cut_and_new_ones_too() {
    block_on(async {
        let proxy = Proxy::start(echo().await, false).unwrap();
        for fault in [WireFault::Reset, WireFault::Partition] {
            let mut open = connect(proxy.port()).await;
            round_trip(&mut open, b"x").await.unwrap();
            let (id, tally) = proxy.wire().add(fault);
            assert!(open.read_u8().await.is_err(), "{fault:?}");
            assert_eq!(tally.hits(), 1, "{fault:?}");
            // It may be cut before it is seen to be open.
            if let Ok(mut new) = TcpStream::connect(("127.0.0.1", proxy.port())).await {
                assert!(round_trip(&mut new, b"x").await.is_err(), "{fault:?}");
            }
            assert_eq!(tally.hits(), 2, "{fault:?}");
            proxy.wire().remove(id);
            round_trip(&mut connect(proxy.port()).await, b"x").await.unwrap();
        }
    });
}

fn a_blackhole_swallows_and_a_stream_with_a_hole_is_cut() {
    block_on(async {
        let proxy = Proxy::start(echo().await, false).unwrap();
        let mut open = connect(proxy.port()).await;
        round_trip(&mut open, b"x").await.unwrap();
        let mut idle = connect(proxy.port()).await;
        round_trip(&mut idle, b"x").await.unwrap();
        let (id, tally) = proxy.wire().add(WireFault::Blackhole);
        let mut new = connect(proxy.port()).await;
        for stream in [&mut open, &mut new] {
            let lost = tokio::time::timeout(Duration::from_millis(100), round_trip(stream, b"lost")).await;
            assert!(lost.is_err(), "something came back");
        }
        assert_eq!((tally.hits(), tally.bytes()), (2, 8));
        proxy.wire().remove(id);
        assert!(open.read_u8().await.is_err());
        assert!(new.read_u8().await.is_err());
        round_trip(&mut idle, b"nothing of it was lost").await.unwrap();
    });
}

fn a_server_that_is_not_there_is_a_cut_connection() {
    block_on(async {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let proxy = Proxy::start(nobody, false).unwrap();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", proxy.port())).await {
            assert!(stream.read_u8().await.is_err());
        }
    });
}

/// Median round trip of a small message, straight and through a proxy, taken in turns; and what a latency of 50 ms is.
#[expect(clippy::print_stdout, reason = "it prints its figures")]
pub fn measure() {
    block_on(async {
        let port = echo().await;
        let proxy = Proxy::start(port, false).unwrap();
        let (mut straight, mut through) = (connect(port).await, connect(proxy.port()).await);
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for _ in 0..5_000 {
            before.push(round_trip(&mut straight, &[1; 200]).await.unwrap().as_nanos());
            after.push(round_trip(&mut through, &[1; 200]).await.unwrap().as_nanos());
        }
        let median = |nanos: &mut Vec<u128>| {
            nanos.sort_unstable();
            nanos[nanos.len() / 2] as f64 / 1000.0
        };
        let (straight_us, through_us) = (median(&mut before), median(&mut after));
        let delay = Duration::from_millis(50);
        proxy.wire().add(WireFault::Latency { delay, jitter: Duration::ZERO });
        let mut late = Vec::new();
        for _ in 0..40 {
            late.push(round_trip(&mut through, &[1; 200]).await.unwrap().as_nanos());
        }
        let figures = serde_json::json!({
            "straight_us": straight_us, "through_us": through_us,
            "latency_50ms_p50_ms": median(&mut late) / 1000.0, "latency_50ms_max_ms": late[39] as f64 / 1e6,
        });
        println!("{figures}");
    });
}
