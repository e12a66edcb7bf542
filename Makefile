# Every target installs what it needs into .venv (locked versions, once) and says what it does.
#   make quickstart                              search with the embedded model
#   make quickstart MODEL=openai/gpt-4.1-mini    ... with a hosted one (its key in the environment)
#   make quickstart URL=http://localhost:8000/v1 MODEL=name      ... with any OpenAI-compatible one

PYTHON ?= python3
IN = .venv/bin/
SETUP = @$(PYTHON) tools/bootstrap.py
QUESTION ?= Write one sentence that contains the words "river" and "lantern".
MODELS = $(if $(URL),core,$(if $(MODEL),hosted,engine))
ENGINE_HERE = $(filter Linux,$(shell uname -s))

# What computes runs in two processes; then, by itself, what keeps time; at last the real engine.
SIDE_BY_SIDE = tests/benchmarks tests/e2e \
  $(addprefix tests/unit/,cli components explain scoring search service spec world)
define ALL_TESTS
$(IN)python -m pytest -m 'not engine' -n 2 --dist loadfile $(SIDE_BY_SIDE)
	$(IN)python -m pytest -m 'not engine' $(addprefix --ignore=,$(SIDE_BY_SIDE))
	$(if $(ENGINE_HERE),$(IN)python -m pytest -m engine)
endef

.PHONY: help quickstart test check bench-runtime bench-store bench-search lock clean

help:
	@sed -n '/^# Every/,/^$$/s/^# \{0,1\}//p' Makefile
	@echo "  make test            all tests, the real engine included     ARGS='-k name' for some"
	@echo "  make check           format, lint, types, direction of imports"
	@echo "  make bench-runtime   the pipeline runtime against a bare client loop"
	@echo "  make bench-store     durable records a second"
	@echo "  make bench-search    the search against others, where the truth is known   ARGS=--quick"
	@echo "  make lock            write requirements/*.txt anew (maintainers)"
	@echo "  make clean           remove .venv and what tools left behind"

quickstart:
	$(SETUP) $(MODELS)
	$(IN)archon search search_spaces/quickstart.yaml --export best.yaml \
	  --ask '$(QUESTION)' $(if $(URL),--url '$(URL)') $(if $(MODEL),--model '$(MODEL)') $(ARGS)

test:
	$(SETUP) core hosted postgres dev $(if $(ENGINE_HERE),engine)
	$(if $(ENGINE_HERE),,@echo "vLLM has no wheel here: the tests marked 'engine' are left out")
	$(if $(ARGS),$(IN)python -m pytest $(if $(ENGINE_HERE),,-m 'not engine') $(ARGS),$(ALL_TESTS))

check:
	$(SETUP) core hosted postgres dev
	$(IN)ruff format --check .
	$(IN)ruff check .
	$(IN)mypy
	$(IN)python -m pytest -q tests/test_layers.py

bench-runtime:
	$(SETUP) core dev
	$(IN)python -m tests.benchmarks.runtime $(ARGS)

bench-store:
	$(SETUP) core dev
	$(IN)python -m tests.benchmarks.store $(ARGS)

bench-search:
	$(SETUP) core dev
	$(IN)python -m tests.benchmarks.search $(ARGS)

lock:
	$(SETUP) core dev
	$(IN)python tools/lock.py $(ARGS)

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
