"""Real clients, each as its users use it.

They live in three environments, since instructor cannot be installed beside the openai 3.54
of the others (it wants jiter < 0.15): ``.[dev,clients]`` has LangChain, pydantic-ai, Locust and
openai's own generated suite, ``.[clients-openai2]`` has instructor and LiteLLM on openai 2,
``.[clients-openai1]`` has LangDB's own client, pylangdb, on openai 1. ``npm ci`` in
``node/`` installs the Vercel AI SDK. ``.ci/run`` runs all of it; elsewhere what is not
installed is skipped.
"""
