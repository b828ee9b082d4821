"""Server APIs: one module each, behind `core.ports.Cms`. A vendor's words stop here."""
