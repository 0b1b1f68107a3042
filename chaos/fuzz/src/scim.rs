//! SCIM: filters, whole resources, patches.

use hongyan_scim::{BulkRequest, Filter, GROUP, PatchPath, PatchRequest, Search, Selection, USER};

/// A filter that is written is read back the same; whatever it asks, it gets an answer.
pub fn scim_filter(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let resource = serde_json::json!({"userName": "a@b", "emails": [{"value": "a@b", "type": "work"}], "active": true});
    let empty = hongyan_scim::Object::new();
    if let Ok(filter) = text.parse::<Filter>() {
        let again: Filter = filter.to_string().parse().expect("a filter is read back");
        assert_eq!(again, filter);
        for kind in [&USER, &GROUP] {
            let _ = filter.check(kind);
            let _ = filter.matches(kind, resource.as_object().unwrap_or(&empty));
        }
    }
    if let Ok(path) = text.parse::<PatchPath>() {
        let again: PatchPath = path.to_string().parse().expect("a path is read back");
        assert_eq!(again, path);
    }
}

/// A body as every request: what a patch makes of a resource is a resource.
pub fn scim_body(bytes: &[u8]) {
    let Ok(sent) = serde_json::from_slice(bytes) else {
        return;
    };
    let _ = BulkRequest::read(&sent, 10);
    if let Ok(search) = Search::from_body(&sent) {
        assert!(search.start > 0);
    }
    for kind in [&USER, &GROUP] {
        let mut resource = kind.read(&sent).unwrap_or_default();
        if let Ok(patch) = PatchRequest::read(&sent) {
            let before = resource.clone();
            match patch.apply(kind, &mut resource) {
                Ok(()) => kind.check(&resource).expect("a patch leaves a resource"),
                Err(_) => assert_eq!(resource, before, "what fails has changed nothing"),
            }
        }
        Selection::Default.cut(kind, &mut resource);
    }
}
