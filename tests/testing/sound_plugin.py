"""The hooks module that sound plugins and mutants name: light."""
