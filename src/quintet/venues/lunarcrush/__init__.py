"""LunarCrush: what people say of an asset, with a key. Nothing here decides anything."""
