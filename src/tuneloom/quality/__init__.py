"""Quality: signals as columns, rules as data, personal data masked or rejected."""
