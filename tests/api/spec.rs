//! The description of the API as a judge: what it says about an answer, word by word of JSON Schema.

use serde_json::{Value, json};

use crate::browser::Answer;

/// `static/openapi.json`, and what it says about answers.
pub struct Spec(pub Value);

impl Spec {
    pub fn read() -> Spec {
        let text = include_str!("../../static/openapi.json");
        Spec(serde_json::from_str(text).unwrap())
    }

    /// Follows a `$ref` within the description.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(place) => self.resolve(
                self.0
                    .pointer(&place[1..])
                    .unwrap_or_else(|| panic!("{place} is nowhere")),
            ),
            None => value,
        }
    }

    pub fn operation(&self, method: &str, path: &str) -> &Value {
        let found = self.0["paths"]
            .get(path)
            .and_then(|path| path.get(method.to_lowercase()));
        found.unwrap_or_else(|| panic!("{method} {path} is not described"))
    }

    /// Fails unless the description allows this answer to this call.
    pub fn expect(&self, method: &str, path: &str, answer: &Answer) {
        let place = format!("{method} {path} answered {}", answer.status);
        let status = answer.status.as_str();
        let response = self.operation(method, path)["responses"].get(status);
        let response = self.resolve(response.unwrap_or_else(|| panic!("{place}, which is not described")));
        let kind = answer.header("content-type");
        let schema = response["content"].get(kind).map(|content| &content["schema"]);
        let schema = schema.unwrap_or_else(|| panic!("{place} as {kind}, which is not described"));
        let body = answer.json();
        if let Err(why) = self.check(schema, &body) {
            panic!("{place}: {why}\n{body:#}");
        }
        if body.get("code").is_some() && body.get("detail").is_some() {
            assert_eq!(body["status"], answer.status.as_u16(), "{place}");
        }
    }

    /// Holds a value against a schema. The description uses a few words of JSON Schema; another word fails here, so that
    /// nothing in it goes unchecked. A property that is not described fails too.
    pub fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let schema = self.resolve(schema);
        for (word, wanted) in schema.as_object().unwrap() {
            let holds = match word.as_str() {
                "description" | "default" | "example" => true,
                "type" => match wanted {
                    Value::Array(kinds) => kinds.iter().any(|kind| is_of(value, kind)),
                    kind => is_of(value, kind),
                },
                "const" => value == wanted,
                "enum" => wanted.as_array().unwrap().contains(value),
                "minimum" => value.as_i64() >= wanted.as_i64(),
                "maximum" => value.as_i64() <= wanted.as_i64(),
                "minLength" => length(value) >= wanted.as_u64(),
                "maxLength" => length(value) <= wanted.as_u64(),
                "minItems" => items(value) >= wanted.as_u64(),
                "maxItems" => items(value) <= wanted.as_u64(),
                "format" => has_format(value, wanted.as_str().unwrap()),
                "required" => {
                    let missing = |name: &&Value| value.get(name.as_str().unwrap()).is_none();
                    match wanted.as_array().unwrap().iter().find(missing) {
                        Some(name) => return Err(format!("{name} is missing")),
                        None => true,
                    }
                }
                "properties" => {
                    for (name, inside) in value.as_object().into_iter().flatten() {
                        let described = wanted.get(name).ok_or(format!("{name} is not described"))?;
                        self.check(described, inside).map_err(|why| format!("{name}: {why}"))?;
                    }
                    true
                }
                "items" => {
                    for (nth, inside) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(wanted, inside).map_err(|why| format!("{nth}: {why}"))?;
                    }
                    true
                }
                other => panic!("the schema word {other} is not checked here"),
            };
            if !holds {
                return Err(format!("{value} is not {word} {wanted}"));
            }
        }
        Ok(())
    }
}

fn is_of(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not checked here"),
    }
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().and_then(|text| u64::try_from(text.chars().count()).ok())
}

/// How many items a list has.
pub fn items(value: &Value) -> Option<u64> {
    value.as_array().and_then(|items| u64::try_from(items.len()).ok())
}

fn has_format(value: &Value, format: &str) -> bool {
    let text = value.as_str().unwrap_or_default();
    match format {
        "date" => text.len() == 10 && text.parse::<chrono::NaiveDate>().is_ok(),
        "date-time" => text.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(text).is_ok(),
        other => panic!("the format {other} is not checked here"),
    }
}

#[test]
fn an_answer_that_is_not_described_is_seen() {
    let spec = Spec::read();
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    let good = json!({"type": "about:blank", "title": "Conflict", "status": 409, "code": "out_of_stock", "detail": "没有了。"});
    assert_eq!(spec.check(&problem, &good), Ok(()));
    let but = |name: &str, value: Value| {
        let mut bad = good.clone();
        bad[name] = value;
        spec.check(&problem, &bad).unwrap_err()
    };
    assert!(but("code", json!("sold_out")).starts_with("code: "));
    assert!(but("status", json!("409")).starts_with("status: "));
    assert!(but("status", json!(200)).starts_with("status: "));
    assert!(but("balance", json!(60)).contains("not described"));
    assert!(but("errors", json!([{"field": "lines"}])).contains("missing"));
    assert!(spec.check(&problem, &json!({"code": "internal"})).is_err());
}
