//! Odoo as a source, against a database that records every request and can fail in every way.
