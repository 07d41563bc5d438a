"""How every page is written: templates of this room, everything escaped, and nothing that is missing passed over."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def page_environment() -> Environment:
    """A new one; a page adds the names that its template uses."""
    return Environment(
        loader=PackageLoader("quintet.research", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
