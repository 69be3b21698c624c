"""The kinds of rules: which inputs each looks at, which parameters it takes, what it holds true."""
