//! The first source that is there.

use super::machine::{ASK_TOKEN, metadata, pod};
use super::*;

fn first_of(metadata: Source, pod: Source) -> Source {
    Source::FirstOf(vec![metadata, pod])
}

fn agents_answer() -> Deed {
    sts_answer(7, in_hours(1))
}

#[tokio::test]
async fn a_source_that_is_not_there_passes_on_and_the_one_that_works_stays() {
    let gone = answer("404 Not Found", "", "");
    let no_agency = answer("401 Unauthorized", "", "Please configure Cloud Service Agency first");
    for deed in [gone, no_agency, Deed::Close(Vec::new())] {
        let service = Stub::by(move |seen, _| match seen.line().as_str() {
            ASK_TOKEN => answer("404 Not Found", "", ""),
            _ => deed.clone(),
        })
        .await;
        let agent = Stub::serving([agents_answer()]).await;
        let login = login(&agent, first_of(metadata(&service), pod(&agent, inline("HUSHPOD"))), None);
        let grant = granted_keys(&login).await;
        assert_eq!(grant.access_key, "AK7");
        let asked = service.seen().len();
        login.proven(grant.fingerprint());
        assert!(login.refused(grant.fingerprint()));
        granted_keys(&login).await;
        assert_eq!((service.seen().len(), agent.seen().len()), (asked, 2));
        assert!(login.expires_at().is_some());
    }
}

#[tokio::test]
async fn a_source_that_works_is_the_one() {
    let service = Stub::by(|seen, index| match seen.line().as_str() {
        ASK_TOKEN => answer("404 Not Found", "", ""),
        _ => keys_answer(index, in_hours(1)),
    })
    .await;
    let agent = Stub::serving([agents_answer()]).await;
    let login = login(&agent, first_of(metadata(&service), pod(&agent, inline("HUSHPOD"))), None);
    assert_eq!(granted_keys(&login).await.access_key, "AK1");
    assert!(agent.seen().is_empty());
}

#[tokio::test]
async fn a_source_that_is_broken_stops() {
    let service = Stub::serving([answer("500 Internal Server Error", "", "")]).await;
    let agent = Stub::serving([agents_answer()]).await;
    let login = login(&agent, first_of(metadata(&service), pod(&agent, inline("HUSHPOD"))), None);
    let error = refusal(&login).await;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(agent.seen().is_empty());
}

#[tokio::test]
async fn where_none_is_there_one_sentence_lists_what_was_looked_for() {
    let service = Stub::serving([answer("404 Not Found", "", "")]).await;
    let login = login(&service, Source::FirstOf(vec![metadata(&service)]), None);
    let error = refusal(&login).await;
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    let start =
        format!("credentials ops: none are there (asking the metadata service of the ECS at {}", service.address);
    assert!(error.message.starts_with(&start) && error.message.contains("HUAWEICLOUD_SDK_AK"), "{error}");
    let asked = service.seen().len();
    let again = refusal(&login).await;
    assert_eq!((again.kind, again.message), (ErrorKind::Held, error.message));
    assert!(again.retry_after.is_some());
    assert_eq!(service.seen().len(), asked);
}
