use std::time::Duration;

use super::*;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};

fn chunks(count: usize, size: usize) -> impl HttpBody<Data = Bytes, Error = BoxError> {
    let frames = (0..count).map(move |_| Ok(Frame::data(Bytes::from(vec![b'x'; size]))));
    StreamBody::new(stream::iter(frames))
}

async fn read(body: Body) -> Result<usize, BoxError> {
    Ok(body.collect().await?.to_bytes().len())
}

#[tokio::test]
async fn bytes_are_sent_again_and_again() {
    let body = Body::from("text");
    for _ in 0..3 {
        assert_eq!(read(body.try_clone().unwrap()).await.unwrap(), 4);
    }
}

#[tokio::test]
async fn a_small_stream_is_sent_again_whole() {
    let body = Body::stream(chunks(10, 100));
    for _ in 0..3 {
        assert_eq!(read(body.try_clone().unwrap()).await.unwrap(), 1000);
    }
}

#[tokio::test]
async fn a_stream_read_in_part_is_sent_again_whole() {
    let body = Body::stream(chunks(10, 100));
    let mut first = body.try_clone().unwrap();
    first.frame().await.unwrap().unwrap();
    drop(first);
    assert_eq!(read(body.try_clone().unwrap()).await.unwrap(), 1000);
}

#[tokio::test]
async fn a_stream_beyond_the_bound_is_sent_once() {
    let body = Body::stream_keeping(chunks(10, 100), 500);
    assert_eq!(read(body.try_clone().unwrap()).await.unwrap(), 1000);
    assert!(body.try_clone().is_none());
}

#[tokio::test]
async fn a_stream_beyond_the_bound_that_was_not_begun_may_still_be_sent() {
    let body = Body::stream_keeping(Full::new(Bytes::from(vec![0; 1000])), 500);
    assert!(body.try_clone().is_some());
    assert_eq!(read(body.try_clone().unwrap()).await.unwrap(), 1000);
    assert!(body.try_clone().is_none());
}

/// The size is known before anything is read, so nothing is gathered first and given up then.
#[tokio::test]
async fn nothing_is_kept_of_a_stream_that_says_it_is_too_large() {
    let owner = std::sync::Arc::new([b'x'; 400]);
    struct Shared(std::sync::Arc<[u8; 400]>);
    impl AsRef<[u8]> for Shared {
        fn as_ref(&self) -> &[u8] {
            &*self.0
        }
    }
    for (most, kept) in [(399, 1), (400, 2)] {
        let full = Full::new(Bytes::from_owner(Shared(std::sync::Arc::clone(&owner))));
        let mut body = Body::stream_keeping(full, most);
        drop(body.frame().await.unwrap().unwrap());
        assert_eq!(std::sync::Arc::strong_count(&owner), kept, "{most}");
    }
}

#[tokio::test]
async fn trailers_are_kept_with_the_rest() {
    let trailers = http::HeaderMap::from_iter([("a".parse().unwrap(), "b".parse().unwrap())]);
    let frames = [
        Ok::<_, BoxError>(Frame::data(Bytes::from_static(b"text"))),
        Ok(Frame::trailers(trailers.clone())),
    ];
    let body = Body::stream(StreamBody::new(stream::iter(frames)));
    for _ in 0..2 {
        let read = body.try_clone().unwrap().collect().await.unwrap();
        assert_eq!(read.trailers(), Some(&trailers));
        assert_eq!(read.to_bytes(), "text");
    }
}

#[tokio::test]
async fn a_body_that_is_made_knows_its_length_once_it_is() {
    let mut body = Body::rebuilt_by(|| Ok::<_, BoxError>(Full::new(Bytes::from_static(b"text"))));
    assert_eq!(body.size_hint().exact(), None);
    body.make().unwrap();
    assert_eq!(body.size_hint().exact(), Some(4));
    let again = body.try_clone().unwrap();
    assert_eq!(read(body).await.unwrap(), 4);
    assert_eq!(read(again).await.unwrap(), 4);
}

#[tokio::test]
async fn a_body_that_cannot_be_made_fails_with_why() {
    let body = Body::rebuilt_by(|| Err::<Full<Bytes>, BoxError>("disk".into()));
    let error = read(body).await.unwrap_err();
    let error = error.downcast_ref::<RequestBodyError>().unwrap();
    let source = std::error::Error::source(error).unwrap();
    assert_eq!(source.to_string(), "disk");
}

#[tokio::test]
async fn a_reading_that_comes_too_late_fails_and_does_not_send_half() {
    let body = Body::stream_keeping(chunks(10, 100), 500);
    let late = body.try_clone().unwrap();
    read(body).await.unwrap();
    assert!(read(late).await.is_err());
}

#[tokio::test]
async fn a_body_that_failed_is_not_sent_again_as_if_it_were_whole() {
    let half = Frame::data(Bytes::from_static(b"half"));
    let frames: [Result<_, BoxError>; 2] = [Ok(half), Err("disk".into())];
    let body = Body::stream(StreamBody::new(stream::iter(frames)));
    assert!(read(body.try_clone().unwrap()).await.is_err());
    assert!(body.try_clone().is_none());
    assert!(read(body).await.is_err());
}

#[tokio::test]
async fn two_readings_at_once_leave_no_hole() {
    let body = Body::stream_keeping(chunks(6, 100), 300);
    let mut first = body.try_clone().unwrap();
    let mut second = body.try_clone().unwrap();
    for _ in 0..3 {
        first.frame().await.unwrap().unwrap();
    }
    for _ in 0..2 {
        second.frame().await.unwrap().unwrap();
    }
    first.frame().await.unwrap().unwrap();
    assert!(second.frame().await.unwrap().is_err());
    assert_eq!(read(first).await.unwrap(), 200);
}

#[test]
fn the_length_is_known_before_anything_is_read() {
    assert_eq!(Body::from("text").size_hint().exact(), Some(4));
    assert_eq!(Body::empty().size_hint().exact(), Some(0));
    let full = Body::stream(Full::new(Bytes::from_static(b"12345")));
    assert_eq!(full.size_hint().exact(), Some(5));
}

#[tokio::test(start_paused = true)]
async fn readings_that_wait_side_by_side_are_all_served() {
    let (source, frames) = tokio::sync::mpsc::channel(1);
    let frames = stream::unfold(frames, async |mut frames| {
        Some((frames.recv().await?, frames))
    });
    let body = Body::stream(StreamBody::new(Box::pin(frames)));
    let readings = [(); 3].map(|()| tokio::spawn(read(body.try_clone().unwrap())));
    let [first, ..] = &readings;
    for _ in 0..4 {
        // All of them wait by now.
        tokio::task::yield_now().await;
        let frame = Frame::data(Bytes::from_static(b"1234"));
        source.send(Ok::<_, BoxError>(frame)).await.unwrap();
    }
    first.abort();
    drop(source);
    for reading in readings.into_iter().skip(1) {
        // Time passes only when nobody has anything left to do.
        let reading = tokio::time::timeout(Duration::from_secs(1), reading);
        let reading = reading.await.expect("nobody woke it");
        assert_eq!(reading.unwrap().unwrap(), 16);
    }
}
