"""The command `jongnyang-gateway`. COMMANDS names its commands; each lives in a module of `gateways/commands`."""

import sys
from importlib import import_module
from typing import Final

import click
import structlog

# A command is loaded when it is used, so that `run` starts light on a small box.
COMMANDS: Final = ("check", "claim", "decode", "launch", "probe", "replay", "run", "simulate", "status")


class Main(click.Group):
    """Loads the commands of COMMANDS."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return the commands' names."""
        return sorted(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Return the command of that name: the attribute of the same name of its module."""
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"gateways.commands.{name}"), name)
        return command


@click.group(cls=Main)
def main() -> None:
    """The gateway at the bins: reads cards and scales, keeps every discharge, sends it to the service."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


if __name__ == "__main__":
    main()
