//! From a connection to one that speaks TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::config::WebConfig;
use super::deadlines::linger;
use super::places::Place;

/// As long as the head of a TLS record.
const BEGINNING: usize = 5;

/// What clients that speak plain HTTP begin with, as far as Go recognises it.
const HTTP: [&[u8; BEGINNING]; 5] = [b"GET /", b"HEAD ", b"POST ", b"PUT /", b"OPTIO"];

/// Go's answer to them.
const NOT_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// Alert: fatal, internal error; in the clear, as everything is before the first answer.
const INTERNAL_ERROR: &[u8] = &[21, 3, 3, 0, 2, 2, 80];

/// Shakes hands.
///
/// # Errors
/// Where the client speaks no TLS or does not come to terms with us, or our own configuration has turned bad.
pub(super) async fn accept<S>(mut stream: S, config: &WebConfig, place: &Place) -> io::Result<TlsStream<Rewound<S>>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut beginning = [0; BEGINNING];
    stream.read_exact(&mut beginning).await?;
    place.hear();
    if HTTP.contains(&&beginning) {
        stream.write_all(NOT_TLS).await?;
        linger(&mut stream).await;
        return Err(io::Error::other("the client speaks plain HTTP"));
    }
    let Some(config) = config.handshake().await else {
        stream.write_all(INTERNAL_ERROR).await?;
        linger(&mut stream).await;
        return Err(io::Error::other("the web configuration has turned bad"));
    };
    TlsAcceptor::from(config).accept(Rewound { beginning, read: 0, stream }).await
}

/// A stream whose beginning was read already.
#[derive(Debug)]
pub(super) struct Rewound<S> {
    beginning: [u8; BEGINNING],
    /// How much of it was read once more.
    read: usize,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let left = &self.beginning[self.read..];
        if left.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let taken = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..taken]);
        self.read += taken;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
