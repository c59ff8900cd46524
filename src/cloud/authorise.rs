//! A request as it is sent: authorised with what is granted, and with nothing that is not.

use std::fmt;

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request};
use secrecy::ExposeSecret;
use url::Url;

use super::credentials::{Grant, Keys, Token};
use super::error::{CloudError, ErrorKind};
use super::sign::{Signable, format_date, sign};

/// A request before it is authorised.
pub struct Draft {
    /// `GET`, `POST` or `PUT`.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers beyond those that every request has.
    pub headers: Vec<(&'static str, String)>,
    /// What is sent, JSON; empty for `GET`.
    pub body: String,
}

impl fmt::Debug for Draft {
    /// Headers and body may hold tokens and passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("method", &self.method).field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Draft {
    /// A request without a body.
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), body: String::new() }
    }

    /// A request with this body.
    pub fn post(url: Url, body: &serde_json::Value) -> Self {
        Self { method: Method::POST, body: body.to_string(), ..Self::get(url) }
    }

    /// The request, authorised with `grant`: signed over every header that is set here, or with the token in a
    /// header. Without a grant it is sent as it is: the body then holds what it needs.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] where something cannot stand in a header.
    pub fn authorised(self, grant: Option<&Grant>, now: Timestamp) -> Result<Request, CloudError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(HOST, HeaderValue::from_str(&host(&self.url)).map_err(invalid)?);
        for (name, value) in &self.headers {
            headers.insert(HeaderName::from_static(name), secret(value)?);
        }
        match grant {
            Some(Grant::Keys(keys)) => self.sign(keys, now, &mut headers)?,
            Some(Grant::Token(Token(token))) => {
                headers.insert(HeaderName::from_static("x-auth-token"), secret(token.expose_secret())?);
            }
            None => {}
        }
        let mut request = Request::new(self.method, self.url);
        *request.headers_mut() = headers;
        if !self.body.is_empty() {
            *request.body_mut() = Some(self.body.into());
        }
        Ok(request)
    }

    fn sign(&self, keys: &Keys, now: Timestamp, headers: &mut HeaderMap) -> Result<(), CloudError> {
        let date = format_date(now);
        headers.insert(HeaderName::from_static("x-sdk-date"), HeaderValue::from_str(&date).map_err(invalid)?);
        if let Some(token) = &keys.security_token {
            headers.insert(HeaderName::from_static("x-security-token"), secret(token.expose_secret())?);
        }
        let signed: Vec<(&str, &str)> =
            headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
        let signable = Signable {
            method: self.method.as_str(),
            path: self.url.path(),
            query: self.url.query().unwrap_or_default(),
            headers: &signed,
            body: self.body.as_bytes(),
        };
        let authorization = sign(&signable, &date, &keys.access_key, keys.secret.expose_secret());
        headers.insert(AUTHORIZATION, secret(&authorization)?);
        Ok(())
    }
}

/// `Host` as it is signed and sent, with the port if the URL names one.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn secret(text: &str) -> Result<HeaderValue, CloudError> {
    let mut value = HeaderValue::from_str(text).map_err(invalid)?;
    value.set_sensitive(true);
    Ok(value)
}

fn invalid(_: reqwest::header::InvalidHeaderValue) -> CloudError {
    CloudError::new(ErrorKind::Unauthorized, "the credentials cannot stand in a header; check how they were copied")
}
