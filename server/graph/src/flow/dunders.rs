//! Names of special methods that the solver looks for itself.

use crate::Name;

pub(super) struct DunderNames {
    pub call: Name,
    pub init: Name,
    pub new: Name,
    pub iter: Name,
    pub next: Name,
    pub get_item: Name,
    pub set_item: Name,
    pub del_item: Name,
    pub del_attr: Name,
    pub get: Name,
    pub set: Name,
    pub get_attr: Name,
    pub get_attribute: Name,
    pub set_attr: Name,
    pub text: Name,
    pub repr: Name,
    pub bool: Name,
    pub len: Name,
    pub eq: Name,
    pub post_init: Name,
    pub format: Name,
    pub anext: Name,
    pub aiter: Name,
    pub awaits: Name,
}

impl DunderNames {
    pub fn new() -> Self {
        DunderNames {
            call: Name::new("__call__"),
            init: Name::new("__init__"),
            new: Name::new("__new__"),
            iter: Name::new("__iter__"),
            next: Name::new("__next__"),
            get_item: Name::new("__getitem__"),
            set_item: Name::new("__setitem__"),
            del_item: Name::new("__delitem__"),
            del_attr: Name::new("__delattr__"),
            get: Name::new("__get__"),
            set: Name::new("__set__"),
            get_attr: Name::new("__getattr__"),
            get_attribute: Name::new("__getattribute__"),
            set_attr: Name::new("__setattr__"),
            text: Name::new("__str__"),
            repr: Name::new("__repr__"),
            bool: Name::new("__bool__"),
            len: Name::new("__len__"),
            eq: Name::new("__eq__"),
            post_init: Name::new("__post_init__"),
            format: Name::new("__format__"),
            anext: Name::new("__anext__"),
            aiter: Name::new("__aiter__"),
            awaits: Name::new("__await__"),
        }
    }
}
