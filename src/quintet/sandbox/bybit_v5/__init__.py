"""The venue's protocol, written from its documentation and sharing no line with the adapter: two witnesses."""
