"""Networks of the compared systems: critics and linear layers."""
