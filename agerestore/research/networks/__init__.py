"""Networks of the compared systems: critics, the latent generator, and linear layers."""

from agerestore.research.networks import critics, mlp

ARCHITECTURES = {"mlp": (mlp.encoder_layers, mlp.generator_layers)}
PLAYERS = {
    "latent_generator": critics.latent_generator,
    "critic": critics.critic,
    "code_critic": critics.code_critic,
    "label_critic": critics.label_critic,
    "joint_critic": critics.joint_critic,
}
