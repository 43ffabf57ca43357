"""What the commands share."""

from pathlib import Path

import click

lang_option = click.option("--lang", type=click.Choice(["ko", "en"]), help="Language; default from LANG, else Korean.")
config_option = click.option(
    "--config", "config_path", type=click.Path(path_type=Path), required=True, help="The gateway's TOML file."
)


def fail(text: str) -> click.ClickException:
    """Return the exception that ends a command with exit 1 and `text` on standard error."""
    return click.ClickException(text)
