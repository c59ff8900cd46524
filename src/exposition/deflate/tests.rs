use std::io::Read;

use flate2::bufread::DeflateDecoder;
use proptest::prelude::*;

use super::*;

/// What a decoder makes of the blocks, after a last one is added.
fn inflated(mut blocks: Vec<u8>) -> Vec<u8> {
    blocks.extend([3, 0]);
    let mut decoder = DeflateDecoder::new(blocks.as_slice());
    let mut text = Vec::new();
    decoder.read_to_end(&mut text).unwrap();
    assert!(decoder.into_inner().is_empty(), "the blocks end before their bytes");
    text
}

fn metrics(lines: u32) -> String {
    let line = |number: u32| {
        let id = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("family{{project=\"prod\",instance_id=\"{id:016x}\",instance_name=\"orders-{number}\"}} 1\n")
    };
    (0..lines).map(line).collect::<Vec<_>>().concat()
}

#[test]
fn texts_of_all_lengths_come_back() {
    let text = metrics(900);
    for length in (0..300).chain([1000, 32_767, 32_768, 32_769, 60_000]) {
        let text = &text.as_bytes()[..length];
        assert_eq!(inflated(deflated(text)), text, "{length}");
        assert_eq!(inflated(stored(text)), text, "{length}");
    }
    let long = vec![b'x'; 200_000];
    assert_eq!(inflated(stored(&long)), long);
}

#[test]
fn matches_of_all_lengths_come_back() {
    for length in (1..300).chain(500..530).chain(770..780) {
        let word = vec![b'x'; length];
        let text = [&b"\n\""[..], &word, b"\"\n\"", &word, b"\""].concat();
        assert_eq!(inflated(deflated(&text)), text, "{length}");
    }
}

#[test]
fn matches_at_all_distances_come_back() {
    for distance in [1_usize, 2, 3, 4, 5, 8, 9, 255, 256, 257, 4_095, 4_096, 4_097, 32_766, 32_767, 32_768, 32_769] {
        // Nothing separates in between, so that nothing nearer is found.
        let mut text = b"\"match me".to_vec();
        text.extend((b'a'..=b'w').cycle().take(distance.saturating_sub(text.len())));
        text.extend_from_slice(b"\"match me");
        assert_eq!(inflated(deflated(&text)), text, "{distance}");
    }
}

#[test]
fn every_byte_comes_back() {
    let text: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    assert_eq!(inflated(deflated(&text)), text);
    let rare: Vec<u8> = (0..=255).flat_map(|byte: u8| vec![byte; usize::from(byte) * 3]).collect();
    assert_eq!(inflated(deflated(&rare)), rare);
}

#[test]
fn texts_are_joined_by_their_bytes() {
    let texts = [metrics(10), metrics(300), String::new(), metrics(1)];
    let blocks: Vec<u8> = texts.iter().flat_map(|text| deflated(text.as_bytes())).collect();
    assert_eq!(inflated(blocks), texts.concat().as_bytes());
}

#[test]
fn metrics_become_small() {
    let text = metrics(256);
    let (ours, fast) = (deflated(text.as_bytes()).len(), fastest(text.as_bytes()));
    assert!(ours < fast, "{ours} bytes, the usual encoder at its fastest: {fast}");
}

fn fastest(text: &[u8]) -> usize {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, text).unwrap();
    encoder.finish().unwrap().len()
}

/// Lines like those of a family, with ids, names and values of all kinds.
fn lines() -> impl Strategy<Value = String> {
    let line = ("[a-f0-9]{1,12}", "(orders|sessions)-[0-9]{1,3}|.{0,8}", "[0-9]{1,10}")
        .prop_map(|(id, name, value)| format!("family{{id=\"{id}\",name=\"{name}\",status=\"waiting\"}} {value}\n"));
    prop::collection::vec(line, 0..80).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn lines_come_back(text in lines()) {
        prop_assert_eq!(inflated(deflated(text.as_bytes())), text.as_bytes());
    }

    #[test]
    fn anything_comes_back(text in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert_eq!(inflated(deflated(&text)), text);
    }

    #[test]
    fn repetitions_come_back(text in prop::collection::vec(prop::sample::select(&b"ab \n\""[..]), 0..3000)) {
        prop_assert_eq!(inflated(deflated(&text)), text);
    }
}
