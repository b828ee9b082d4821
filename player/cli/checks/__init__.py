"""What `doctor` looks at: the machine itself, and what surrounds it. Each check yields findings and changes nothing."""
