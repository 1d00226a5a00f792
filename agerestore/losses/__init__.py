"""What training minimizes: each objective is a function of named loss terms, which update steps weigh."""
