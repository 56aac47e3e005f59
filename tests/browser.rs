//! A visitor over the real router: keeps its cookie, fills in forms with their hidden fields, or calls the API with a token.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use jishan::access::session;
use jishan::cards::{card, pin};
use jishan::resident::{self, tries::Found};
use serde_json::Value;
use tower::ServiceExt;

use crate::town::Town;

/// Somebody at a browser, or a program with a token.
#[derive(Clone)]
pub struct Visitor {
    router: axum::Router,
    cookie: Option<String>,
    csrf: String,
    bearer: Option<String>,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub text: String,
}

impl Town {
    /// Nobody in particular.
    pub fn stranger(&self) -> Visitor {
        Visitor::at(self.router())
    }

    /// Somebody who has signed in.
    pub async fn signed_in(&self, name: &'static str) -> Visitor {
        let (user, now) = (self.user(name).await, self.app.now());
        let secret = self
            .write(move |conn| session::start(conn, &user.id, now))
            .await
            .unwrap();
        Visitor {
            cookie: Some(format!("jishan={}", secret.reveal())),
            csrf: secret.csrf(),
            ..self.stranger()
        }
    }

    /// A household that has signed in at its own pages, with a card in use and the town's PIN.
    pub async fn at_home(&self, code: &'static str) -> Visitor {
        let (household, now) = (self.household(code).await.id, self.app.now());
        self.set_pin(code).await;
        let id = household.clone();
        let cards = self.read(move |conn| card::of_household(conn, &id)).await;
        if cards.iter().all(|card| card.stopped_at.is_some()) {
            self.issue_card(code).await;
        }
        let secret = self
            .write(move |conn| {
                let mut cards = card::of_household(conn, &household)?.into_iter();
                let found = Found {
                    card: cards.find(|card| card.stopped_at.is_none()).unwrap().id,
                    pin: pin::of(conn, &household)?,
                    household,
                };
                resident::session::start(conn, &found, now)
            })
            .await
            .unwrap();
        Visitor {
            cookie: Some(format!("jishan-household={}", secret.reveal())),
            csrf: secret.csrf(),
            ..self.stranger()
        }
    }

    /// A program that acts as this user.
    pub async fn program(&self, name: &'static str) -> Visitor {
        Visitor {
            bearer: Some(self.token(name).await),
            ..self.stranger()
        }
    }
}

impl Visitor {
    /// Nobody in particular, at any house.
    pub fn at(router: axum::Router) -> Visitor {
        Visitor {
            router,
            cookie: None,
            csrf: String::new(),
            bearer: None,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Body::empty()).unwrap())
            .await
    }

    /// Sends a form of ours; the session's token goes along.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        fields.push(("csrf", &self.csrf));
        self.post_bare(path, &fields).await
    }

    /// Sends a form without the session's token, as another site would.
    pub async fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = serde_urlencoded::to_string(fields).unwrap();
        let request = self
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Sends a form with a file: its field, its name, its bytes.
    pub async fn post_file(&self, path: &str, fields: &[(&str, &str)], file: (&str, &str, &[u8])) -> Answer {
        const BOUNDARY: &str = "----jishan";
        let mut body = Vec::new();
        for (name, value) in fields {
            let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend(part.into_bytes());
        }
        let (field, name, bytes) = file;
        let part = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend(part.into_bytes());
        body.extend(bytes);
        body.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = self.request(Method::POST, path).header(header::CONTENT_TYPE, kind);
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// The visitor after an answer that sets the session's cookie.
    pub fn keeping_cookie_of(&self, answer: &Answer) -> Visitor {
        let cookie = answer
            .header("set-cookie")
            .split(';')
            .next()
            .unwrap_or_default()
            .to_owned();
        let secret = cookie
            .split_once('=')
            .and_then(|(_, secret)| session::Secret::sent(secret));
        Visitor {
            csrf: secret.map(|secret| secret.csrf()).unwrap_or_default(),
            cookie: Some(cookie),
            ..self.clone()
        }
    }

    /// The same visitor with another cookie besides.
    pub fn with_cookie(&self, cookie: &str) -> Visitor {
        let cookies = self.cookie.iter().map(String::as_str).chain([cookie]);
        Visitor {
            cookie: Some(cookies.collect::<Vec<_>>().join("; ")),
            ..self.clone()
        }
    }

    /// The same visitor at another house.
    pub fn in_house(&self, router: axum::Router) -> Visitor {
        Visitor { router, ..self.clone() }
    }

    /// A program with this token, good or bad.
    pub fn with_token(&self, token: &str) -> Visitor {
        Visitor {
            bearer: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// Calls the API with JSON and an idempotency key.
    pub async fn call(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.call_raw(path, Some(key), body.to_string().into_bytes()).await
    }

    pub async fn call_raw(&self, path: &str, key: Option<&str>, body: Vec<u8>) -> Answer {
        let mut request = self
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "jifen.example.cn");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(bearer) = &self.bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        request
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|cause| panic!("{cause}: {}", self.text))
    }

    /// The stable code of a problem.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code of a problem, in one look.
    pub fn problem(&self) -> (u16, String) {
        (self.status.as_u16(), self.code())
    }
}
