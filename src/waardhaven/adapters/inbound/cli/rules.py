"""``waardhaven rules``: rule files and methodologies."""

from pathlib import Path

import click
from dishka import AsyncContainer

from waardhaven.adapters.inbound.cli.runner import Runner
from waardhaven.application.indexes.change_index import ImportRules
from waardhaven.application.indexes.methodology import MethodologyView, ReadMethodology
from waardhaven.application.indexes.rule_queries import ExportRules
from waardhaven.application.indexes.rule_views import RulesView
from waardhaven.domain.identity.roles import OPERATOR

FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def rules() -> None:
    """Rules of indices as files: export, import, and in words."""


@rules.command("export")
@click.argument("slug")
@click.argument("file", type=FILE, required=False)
@click.pass_obj
def export_rules(runner: Runner, slug: str, file: Path | None) -> None:
    """Write the rules of SLUG to FILE, or to standard output, as TOML."""
    text = runner.run(lambda scope: _export(scope, slug))
    if file is None:
        click.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")
        runner.console.print(f"Wrote the rules of {slug} to {file}.", highlight=False)


@rules.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--reason", help="Why the rules change; kept with the version.")
@click.pass_obj
def import_rules(runner: Runner, file: Path, reason: str | None) -> None:
    """Replace the rules of the index that FILE names, or define it. What FILE leaves out has its default."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise click.BadParameter(f"{file} is not UTF-8.", param_hint="FILE") from None
    made = runner.run(lambda scope: _import(scope, text, reason))
    runner.console.print(f"{made.slug} has version {made.version} of its rules.", highlight=False)


@rules.command("methodology")
@click.argument("slug")
@click.pass_obj
def tell_methodology(runner: Runner, slug: str) -> None:
    """Write the methodology of SLUG to standard output, as Markdown."""
    found = runner.run(lambda scope: _methodology(scope, slug))
    click.echo(found.markdown, nl=False)


async def _export(scope: AsyncContainer, slug: str) -> str:
    return await (await scope.get(ExportRules))(OPERATOR, slug=slug)


async def _import(scope: AsyncContainer, text: str, reason: str | None) -> RulesView:
    return await (await scope.get(ImportRules))(OPERATOR, text=text, reason=reason)


async def _methodology(scope: AsyncContainer, slug: str) -> MethodologyView:
    return await (await scope.get(ReadMethodology))(OPERATOR, slug=slug)
