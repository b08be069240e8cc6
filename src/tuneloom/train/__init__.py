"""Fine-tuning: adapters, batches, the training loop; `stage` joins it to the artifact store."""
