"""Systems and experiments of the founding papers. Reached by name only: nothing else imports them."""
