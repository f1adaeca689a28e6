"""Representations of relations with latent variables (RELVM, Shah and Fauqueur 2020)."""
