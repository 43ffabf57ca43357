"""Certificates of scales (계량기 검정): a scale that bills is inspected every two years."""

from app.registry.certificates.queries import state_of

__all__ = ["state_of"]
