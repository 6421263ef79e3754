//! `crm-review`: a weekly, read-only CRM hygiene and routing review.
