use super::*;

const NOW: &str = "2026-11-21T10:00:00Z";

fn read<'a, T>(json: &'a str, f: impl Fn(&Value<'a>) -> T) -> T {
    f(&Value::of(serde_json::from_str(json).unwrap()))
}

#[test]
fn what_is_absent() {
    for json in ["null", "{}", "{ \n }", r#""""#, r#""  ""#] {
        assert!(matches!(read(json, |value| value.text().map(|text| text.is_none())), Ok(true)), "{json}");
        assert_eq!(read(json, Value::number), Ok(None), "{json}");
        assert_eq!(read(json, Value::integer), Ok(None), "{json}");
        assert_eq!(read(json, Value::bool), Ok(None), "{json}");
        assert_eq!(read(json, |value| value.timestamp(NOW.parse().unwrap())), Ok(None), "{json}");
        assert!(read(json, |value| value.object(&[]).is_ok_and(|object| object.is_none())), "{json}");
    }
}

#[test]
fn texts() {
    let text = |json: &str| read(json, |value| value.text().map(|text| text.unwrap().into_owned()));
    for (json, expected) in [
        (r#"" a b ""#, "a b"),
        (r#""\u00e9\"""#, "é\""),
        ("5.0", "5.0"),
        ("-7", "-7"),
        ("true", "true"),
        ("false", "false"),
    ] {
        assert_eq!(text(json).as_deref(), Ok(expected), "{json}");
    }
    for json in ["[]", "[1]", r#"{"a":1}"#, r#""\ud800""#] {
        assert_eq!(text(json), Err(Garbage), "{json}");
    }
}

#[test]
fn numbers() {
    for (json, expected) in [
        ("880232", Ok(Some(880_232))),
        (r#""880232""#, Ok(Some(880_232))),
        (r#"" 7 ""#, Ok(Some(7))),
        ("7.9", Ok(Some(7))),
        ("1e3", Ok(Some(1000))),
        ("-0", Ok(Some(0))),
        ("9223372036854775807", Ok(Some(9_223_372_036_854_775_807))),
        ("9223372036854775808", Err(Garbage)),
        ("18446744073709551616", Err(Garbage)),
        ("1e999", Err(Garbage)),
        ("-1", Err(Garbage)),
        (r#""-1""#, Err(Garbage)),
        (r#""n/a""#, Err(Garbage)),
        (r#""NaN""#, Err(Garbage)),
        (r#""inf""#, Err(Garbage)),
        ("true", Err(Garbage)),
        ("[1]", Err(Garbage)),
        (r#"{"a":1}"#, Err(Garbage)),
    ] {
        assert_eq!(read(json, Value::integer), expected, "{json}");
    }
    for (json, expected) in
        [(r#"".125""#, Ok(Some(0.125))), ("0.125", Ok(Some(0.125))), (r#""100.00""#, Ok(Some(100.0)))]
    {
        assert_eq!(read(json, Value::number), expected, "{json}");
    }
}

#[test]
fn truth_values() {
    for json in ["true", r#""TRUE""#, r#""true""#, r#"" True ""#, "1", r#""1""#] {
        assert_eq!(read(json, Value::bool), Ok(Some(true)), "{json}");
    }
    for json in ["false", r#""FALSE""#, "0", r#""0""#] {
        assert_eq!(read(json, Value::bool), Ok(Some(false)), "{json}");
    }
    for json in ["2", r#""yes""#, "[]", r#"{"a":1}"#] {
        assert_eq!(read(json, Value::bool), Err(Garbage), "{json}");
    }
}

#[test]
fn moments() {
    let read = |text: &str| read(&format!("\"{text}\""), |value| value.timestamp(NOW.parse().unwrap()));
    let expected: Timestamp = "2019-05-10T08:31:16.166Z".parse().unwrap();
    for text in [
        "2019-05-10T08:31:16.166Z",
        "2019-05-10T08:31:16.166+0000",
        "2019-05-10T08:31:16.166+00:00",
        "2019-05-10T16:31:16.166+08:00",
        "2019-05-10T16:31:16.166000+0800",
        "2019-05-10T01:01:16.166-07:30",
        "2019-05-10T08:31:16.166000000000000Z",
        "2019-05-10t08:31:16.166z",
        "2019-05-10 08:31:16.166Z",
        " 2019-05-10T08:31:16.166Z ",
    ] {
        assert_eq!(read(text), Ok(Some(expected)), "{text}");
    }
    for text in
        ["yesterday", "2019-13-10T08:31:16Z", "2019-05-10", "2019-05-10T08:31:16", "1557477076166", "2019-05-10T"]
    {
        assert_eq!(read(text), Err(Garbage), "{text}");
    }
    for text in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"] {
        assert_eq!(read(text), Ok(None), "{text}");
    }
    assert!(read("2026-11-22T10:00:00Z").unwrap().is_some(), "a day ahead is the limit");
    assert_eq!(read("2026-11-22T10:00:00.001Z"), Err(Garbage));
    assert_eq!(read("9999-12-31T23:59:59Z"), Err(Garbage));
}

#[test]
fn ids_are_bounded() {
    let id = |length: usize| read(&format!("\"{}\"", "x".repeat(length)), |value| value.id().map(|id| id.is_some()));
    assert_eq!(id(256), Ok(true));
    assert_eq!(id(257), Err(Garbage));
    assert_eq!(read("17", |value| value.id().map(|id| id.unwrap().into_owned())).as_deref(), Ok("17"));
    assert!(read("true", |value| value.id().is_err()));
}

#[test]
fn an_object_is_read_by_its_last_keys_and_its_broken_ones_are_ignored() {
    let json = r#"{"a":1,"\ud800":2,"a":3,"x":[[[]]],"big":1e999,"b":"\ud800"}"#;
    let fields = Value::of(serde_json::from_str(json).unwrap()).object(&["a", "b", "c"]).unwrap().unwrap();
    assert_eq!(fields.get("a").integer(), Ok(Some(3)));
    assert!(fields.others);
    assert!(fields.has("b") && !fields.has("c"));
    assert_eq!(fields.get("b").text(), Err(Garbage));
    assert_eq!(fields.first_of(&["c", "b", "a"]).text(), Err(Garbage));
    assert_eq!(fields.first_of(&["c", "a"]).integer(), Ok(Some(3)));
}
