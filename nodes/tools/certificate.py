"""Calls to this very server over https: its own certificate is known, so no other one is trusted."""

from __future__ import annotations

import ssl

__all__ = ["trusting"]


def trusting(certificate: str) -> ssl.SSLContext:
    """A context that takes the certificates in the PEM file `certificate` and no others, whatever host they name.

    Raises OSError if the file cannot be read or holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The server is called by its address; its certificate has the name by which others call it.
    context.check_hostname = False
    context.load_verify_locations(certificate)
    # The first certificate of a chain is enough: the authority that signed it need not be in the file.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
