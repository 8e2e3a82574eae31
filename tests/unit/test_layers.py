"""The layer contracts in pyproject.toml hold."""

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports


def test_every_layer_contract_is_kept() -> None:
    assert lint_imports(cache_dir=None, no_cache=True) == EXIT_STATUS_SUCCESS
