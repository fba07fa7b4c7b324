//! Paths with parameters, and which of them a request meets.

/// A path of the document.
#[derive(Debug)]
pub(super) struct Route {
    /// As written: `/tickets/{ticketId}`.
    pub(super) template: String,
    /// Its segments; nothing stands for a parameter.
    segments: Vec<Option<String>>,
}

impl Route {
    pub(super) fn parse(template: &str) -> Self {
        let parameter = |part: &str| part.contains('{') && part.contains('}');
        let segments = template.split('/').skip(1);
        let segments = segments.map(|part| (!parameter(part)).then(|| part.to_owned())).collect();
        Self { template: template.to_owned(), segments }
    }

    fn meets(&self, path: &[&str]) -> bool {
        self.segments.len() == path.len()
            && self.segments.iter().zip(path).all(|(own, asked)| match own {
                Some(own) => own == asked,
                None => !asked.is_empty(),
            })
    }

    fn literals(&self) -> usize {
        self.segments.iter().flatten().count()
    }
}

/// The route a path meets; of several the one with the most fixed segments, as OpenAPI prescribes.
pub(super) fn best<'a>(routes: &'a [Route], path: &str) -> Option<&'a Route> {
    let asked: Vec<&str> = path.split('/').skip(1).collect();
    routes.iter().filter(|route| route.meets(&asked)).max_by_key(|route| route.literals())
}
