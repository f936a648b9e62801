"""The verbs, one a module; each command's docstring is its help. Only click is imported until a verb is called."""

VERBS = {
    "init": "declare.cli.verbs.init",
    "validate": "declare.cli.verbs.validate",
    "explain": "declare.cli.verbs.explain",
    "plan": "declare.cli.verbs.plan",
    "apply": "declare.cli.verbs.apply",
    "status": "declare.cli.verbs.status",
    "hosts": "declare.cli.verbs.hosts",
    "proxy": "declare.cli.verbs.proxy",
    "restart": "declare.cli.verbs.restart",
    "destroy": "declare.cli.verbs.destroy",
    "unlock": "declare.cli.verbs.unlock",
}
"""Name of a verb to the module whose `command` it is, in the order of the help."""
